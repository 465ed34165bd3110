{{ config(tags=['measure']) }}

-- Whose clicks or persons each conversion is owed to, told or not; and every conversion once more under `(all)`, since
-- destinations overlap and cannot be added up.
select
    conversion_key,
    destination
from {{ ref('int_reconciliation_steps') }}
where is_matched and is_winner
union all
select
    conversion_key,
    '(all)' as destination
from {{ ref('conversions') }}
