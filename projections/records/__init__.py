"""Records as rows of real tables: one typed column a field, links as rows.

ddl     the tables and columns themselves
rows    a table's rows as facts: kept values, versions, links
net     what a run of events comes to, one change a record
keys    what unique constraints have taken
apply   writing those changes, set-based
output  records as the JSON that readers get
"""
