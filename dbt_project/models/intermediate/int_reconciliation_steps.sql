{{ config(tags=['measure'], materialized='table') }}

-- For each conversion and destination: which of the steps from backend to processed it passed and when, and what it is
-- worth at each. What was told earlier and is gone from the source counts where it was told. Metrics count these rows.
with told as (
    select
        destination,
        conversion_key,
        max(case when state not in ('cancelled', 'superseded') then 1 else 0 end) = 1 as is_enqueued,
        max(case when is_sent then 1 else 0 end) = 1 as is_sent,
        max(case when is_accepted then 1 else 0 end) = 1 as is_accepted,
        max(case when accepted_at is not null then 1 else 0 end) = 1 as was_accepted,
        max(case when state = 'processed' then 1 else 0 end) = 1 as was_processed,
        max_by(state, revision) as newest_state,
        -- Behind a colon stands what the receiver said besides.
        max_by(split_part(coalesce(reason, ''), ':', 1), revision) as newest_code,
        max_by(kind, case when accepted_at is not null then revision end) = 'retraction' as is_retracted,
        max_by(value, case when state = 'processed' then revision end) as processed_value,
        max_by(value, case when accepted_at is not null then revision end) as reported_value,
        -- What a previous sender had told was not accepted when it was imported.
        min(case when first_sent_at is not null then accepted_at end) as accepted_at,
        min(case when first_sent_at is not null then processed_at end) as processed_at,
        max(case when accepted_at is not null and first_sent_at is null then 1 else 0 end) = 1 as is_imported
    from {{ ref('deliveries') }}
    group by 1, 2
),

final as (
    select
        decisions.conversion_key,
        decisions.destination,
        decisions.event_name,
        decisions.reason_code,
        decisions.decision,
        conversions.status,
        decisions.consent_state,
        told.newest_state,
        nullif(told.newest_code, '') as newest_code,
        decisions.currency,
        conversions.currency as source_currency,
        conversions.net_value,
        decisions.desired_value,
        coalesce(decisions.desired_value, told.reported_value, 0) as worth,
        case when told.is_accepted then told.reported_value end as believed_value,
        case when told.is_accepted then told.reported_value else decisions.reported_value end as told_value,
        told.reported_value as accepted_value,
        case
            when not capabilities.judges_later or told.is_imported then told.reported_value
            else told.processed_value
        end as processed_value,
        coalesce(conversions.status <> 'not_qualified', false) as is_backend,
        decisions.is_eligible,
        decisions.is_matched,
        decisions.is_winner,
        decisions.is_pixel_reported,
        coalesce(told.is_enqueued, false) as is_enqueued,
        coalesce(told.is_sent, false) as is_sent,
        coalesce(told.is_accepted, false) as is_accepted,
        coalesce(told.was_accepted, false) as was_accepted,
        -- Where no later verdict comes, acceptance is the last word.
        coalesce(
            case
                when not capabilities.judges_later or told.is_imported then told.was_accepted
                else told.was_processed
            end,
            false
        ) as is_processed,
        coalesce(told.is_imported, false) as is_imported,
        coalesce(told.is_retracted, false) as is_retracted,
        coalesce(conversions.is_over_refunded, false) as is_over_refunded,
        {{ local_date('decisions.occurred_at', 'capabilities.report_time_zone') }} as report_date,
        decisions.occurred_on,
        decisions.occurred_at,
        decisions.clicked_at,
        decisions.eligible_at,
        decisions.expires_at,
        told.accepted_at,
        told.processed_at
    from {{ ref('int_decisions') }} as decisions
    left join {{ ref('conversions') }} as conversions on decisions.conversion_key = conversions.conversion_key
    left join told
        on
            decisions.conversion_key = told.conversion_key
            and decisions.destination = told.destination
    inner join {{ ref('stg_destination_capabilities') }} as capabilities
        on decisions.destination = capabilities.destination
)

select * from final
