-- Who and where, as the first version of each record in scope says it, for experiments: a later version may name the
-- person or move to another region, and would move the conversion to the other group.
{{ first_records(scoped=true) }}
