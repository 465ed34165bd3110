{{ config(materialized='incremental', incremental_strategy='replace_changed', on_schema_change='fail') }}

with present as (
    select
        *,
        case
            when told_by is null and first_reason = 'eligible' then 'report'
            when told_by is null then 'withhold'
            when told_by = 'pixel' and adjustment_reason = 'pixel_reported' then 'withhold'
            when adjustment_reason in ('fully_reversed', 'cancelled', 'disqualified') then 'retract'
            when adjustment_reason = 'eligible' then 'report'
            else 'kept_as_reported'
        end as decision,
        case when told_by is null then sent_value else wanted_value end as desired_value,
        consent_policy = 'strip' or consent_state = 'denied' and consent_policy = 'block' as is_keys_only,
        -- A postback that was cancelled or replaced says nothing; what counts is what was accepted before it.
        case
            when newest_state in ('cancelled', 'superseded') then reported_fingerprint
            else newest_fingerprint
        end as told_fingerprint
    from {{ ref('int_desired_values') }}
),

judged as (
    select
        *,
        -- Told nothing, something on its way, and a present row says no: it must not leave.
        decision = 'withhold'
        and coalesce(newest_state in ('pending', 'held', 'retry'), false)
        and first_reason not in ('no_match', 'no_usable_identifier', 'too_old', 'no_rate') as is_withdrawn
    from present
),

told as (
    select
        conversion_key,
        destination,
        event_name,
        decision,
        case when told_by is null then first_reason else adjustment_reason end as reason_code,
        told_by,
        told_click_id as click_id,
        case when not coalesce(is_told_click_gone, false) then matched_by end as matched_by,
        case when not coalesce(is_told_click_gone, false) then identifier end as identifier,
        case when not coalesce(is_told_click_gone, false) then identifier_value end as identifier_value,
        consent_state,
        consent,
        consent_record,
        pixel_event_id,
        experiment,
        experiment_unit,
        newest_state,
        currency as source_currency,
        case when is_taken_back then reported_currency else sent_currency end as currency,
        route_version,
        newest_revision,
        value,
        net_value,
        exchange_rate,
        desired_value,
        case when told_by is not null then reported_value end as reported_value,
        is_eligible,
        is_matched,
        is_winner,
        is_pixel_reported,
        is_claimed,
        is_keys_only,
        is_held_out,
        is_comparable,
        case
            when decision not in ('report', 'retract') and not is_withdrawn then false
            when told_fingerprint is null then true
            else {{ fingerprint(
                "case when decision in ('report', 'retract') then desired_value else 0 end",
                'case when is_taken_back then reported_currency else sent_currency end'
            ) }} <> told_fingerprint
        end as is_due,
        occurred_on,
        action_at,
        event_time,
        occurred_at,
        eligible_at,
        case when not coalesce(is_told_click_gone, false) then clicked_at end as clicked_at,
        case when told_by is not null then adjustable_from end as not_before,
        case when told_by is null then expires_at else adjustable_until end as expires_at,
        touched_at,
        case
            when told_by is not null and wanted_value <> reported_value then {{ next_change(['adjustable_until']) }}
            when told_by is not null then null
            when first_reason = 'on_hold' then eligible_at
            when first_reason in ('eligible', 'no_rate')
                then {{ next_change(['expires_at', 'deduplicated_until']) }}
        end as next_change_at
    from judged
)

select * from told
union all
select * from {{ ref('int_gone_conversions') }}
