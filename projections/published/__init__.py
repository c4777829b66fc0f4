"""What anybody may read of a workspace: the public API of the CMS.

rules         what is public of a catalogue: a workspace, a table, a field, a record
statements    pages and single records with their relations opened, as one SELECT
watches       up to which position a table was written last, asked for together
sites         whose a slug is
"""
