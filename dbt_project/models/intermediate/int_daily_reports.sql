{{ config(tags=['measure']) }}

-- What platforms report, all days at the same age, a day after they ended: a young day is not held against older ones.
with counted as (
    select
        destination,
        event_name,
        report_date as day,
        sum(reported_conversions) as reported,
        sum(accepted_conversions) as accepted
    from {{ ref('report_delay_curve') }}
    where after_hours = 24
    group by 1, 2, 3
),

told as (
    select
        destination,
        day
    from counted
    group by 1, 2
    having sum(reported) > 0
)

-- Where nothing at all was told by then, the report is missing, not the conversions.
select counted.*
from counted
inner join told
    on
        counted.destination = told.destination
        and counted.day = told.day
