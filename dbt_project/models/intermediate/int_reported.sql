{{ config(materialized='table') }}

-- What the ledger holds of the conversions in scope, per destination: the newest revision, and what was accepted last.
with history as (
    select * from {{ ref('stg_ledger_history') }}
    where {{ key_in_scope() }}
),

ranked_history as (
    select
        *,
        row_number() over (partition by postback_id order by seq desc) as recency
    from history
),

lives as (
    select
        postback_id,
        max(case when outcome = 'unknown' then 1 else 0 end) = 1 as was_unknown,
        max(case when to_state = 'accepted' then 1 else 0 end) = 1 as was_accepted
    from history
    group by 1
),

postbacks as (
    select
        newest.*,
        lives.was_unknown,
        lives.was_accepted,
        row_number() over (
            partition by newest.destination, newest.conversion_key order by newest.revision desc
        ) as newest_first,
        -- Only what was accepted competes for being the newest report.
        row_number() over (
            partition by newest.destination, newest.conversion_key
            order by case when lives.was_accepted then 0 else 1 end, newest.revision desc
        ) as accepted_first
    from ranked_history as newest
    inner join lives on newest.postback_id = lives.postback_id
    where newest.recency = 1
),

final as (
    select
        newest.destination,
        newest.conversion_key,
        newest.event_name,
        newest.click_id as reported_click_id,
        -- The third part names the rule of the value; reports from before there was one have none.
        nullif(regexp_extract(newest.definition_version, '^[^.]*[.][^.]*[.](.*)$', 1), '') as reported_version,
        newest.to_state as newest_state,
        newest.fingerprint as newest_fingerprint,
        reported.currency as reported_currency,
        reported.fingerprint as reported_fingerprint,
        newest.revision as newest_revision,
        reported.value as reported_value,
        newest.exchange_rate as reported_rate,
        reported.postback_id is not null as is_reported,
        -- The receiver knows of it, or may know: its click, times, rate and definition are settled.
        reported.postback_id is not null
        or newest.to_state in ('sending', 'unknown', 'parked')
        or (newest.to_state = 'retry' and newest.was_unknown) as is_claimed,
        newest.action_at,
        newest.event_time
    from postbacks as newest
    left join postbacks as reported
        on
            newest.destination = reported.destination
            and newest.conversion_key = reported.conversion_key
            and reported.accepted_first = 1
            and reported.was_accepted
    where newest.newest_first = 1
)

select * from final
