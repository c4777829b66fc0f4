-- What a batch led to: few batches have a cause, and the others are not in it.
CREATE INDEX batches_by_cause ON ledger.batches (workspace_id, causation_id)
    WHERE causation_id IS NOT NULL;
