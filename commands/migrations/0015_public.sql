-- What is public: tables that anybody may read, of workspaces that are active.

ALTER TABLE catalog.workspaces ADD COLUMN status text NOT NULL DEFAULT 'active';
ALTER TABLE catalog.tables ADD COLUMN public boolean NOT NULL DEFAULT false;
