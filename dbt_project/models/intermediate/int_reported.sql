{{ config(materialized='view') }}

with ranked as (
    select
        *,
        row_number() over (partition by destination, conversion_key order by revision desc) as newest_first,
        -- Only what was accepted competes for being the newest report.
        row_number() over (
            partition by destination, conversion_key
            order by case when accepted_at is not null then 0 else 1 end, revision desc
        ) as accepted_first
    from {{ ref('int_postback_states') }}
),

final as (
    select
        newest.destination,
        newest.conversion_key,
        newest.event_name,
        newest.revision as newest_revision,
        newest.state as newest_state,
        newest.fingerprint as newest_fingerprint,
        reported.value as reported_value,
        reported.currency as reported_currency,
        reported.fingerprint as reported_fingerprint,
        reported.accepted_at is not null as is_reported,
        -- The receiver knows of it, or may know: its click and times are settled.
        reported.accepted_at is not null
        or newest.state in ('sending', 'unknown', 'parked')
        or (newest.state = 'retry' and newest.was_unknown) as is_claimed,
        newest.action_at,
        newest.event_time
    from ranked as newest
    left join ranked as reported
        on
            newest.destination = reported.destination
            and newest.conversion_key = reported.conversion_key
            and reported.accepted_first = 1
            and reported.accepted_at is not null
    where newest.newest_first = 1
)

select * from final
