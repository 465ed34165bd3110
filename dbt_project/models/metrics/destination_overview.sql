-- One row per destination: the whole story in figures, for the run's summary and for people in a hurry.
with steps as (
    select
        destination,
        event_name,
        currency,
        sum(case when is_backend then 1 else 0 end) as backend_conversions,
        sum(case when is_eligible then 1 else 0 end) as eligible_conversions,
        sum(case when is_eligible and is_matched then 1 else 0 end) as matched_conversions,
        sum(case when is_accepted then 1 else 0 end) as accepted_conversions,
        sum(case when decision = 'report' then worth else 0 end) as desired_value,
        sum(coalesce(believed_value, 0)) as accepted_value
    from {{ ref('int_reconciliation_steps') }}
    group by 1, 2, 3
),

postbacks as (
    select
        destination,
        event_name,
        currency,
        sum(case when is_sent then 1 else 0 end) as sent_postbacks,
        sum(case when is_accepted then 1 else 0 end) as accepted_postbacks,
        sum(case when is_accepted and kind <> 'conversion' then 1 else 0 end) as accepted_adjustments,
        sum(case when state = 'rejected' then 1 else 0 end) as rejected_postbacks,
        sum(case when state in ('unknown', 'parked') then 1 else 0 end) as unknown_postbacks,
        sum(case when state in ('pending', 'held', 'sending', 'retry') then 1 else 0 end) as waiting_postbacks,
        sum(case when state = 'expired' then 1 else 0 end) as expired_postbacks
    from {{ ref('deliveries') }}
    group by 1, 2, 3
),

reports as (
    select
        destination,
        event_name,
        currency,
        sum(conversions) as reported_conversions,
        sum(value) as reported_value
    from {{ ref('int_platform_reports') }}
    group by 1, 2, 3
),

final as (
    select
        steps.*,
        coalesce(postbacks.sent_postbacks, 0) as sent_postbacks,
        coalesce(postbacks.accepted_postbacks, 0) as accepted_postbacks,
        coalesce(postbacks.accepted_adjustments, 0) as accepted_adjustments,
        coalesce(postbacks.rejected_postbacks, 0) as rejected_postbacks,
        coalesce(postbacks.unknown_postbacks, 0) as unknown_postbacks,
        coalesce(postbacks.waiting_postbacks, 0) as waiting_postbacks,
        coalesce(postbacks.expired_postbacks, 0) as expired_postbacks,
        reports.reported_conversions,
        reports.reported_value,
        {{ ratio('steps.accepted_value - steps.desired_value', 'steps.desired_value') }} as delivery_variance,
        {{ ratio('reports.reported_value - steps.accepted_value', 'steps.accepted_value') }} as platform_variance
    from steps
    left join postbacks
        on
            steps.destination = postbacks.destination
            and steps.event_name = postbacks.event_name
            and steps.currency = postbacks.currency
    left join reports
        on
            steps.destination = reports.destination
            and steps.event_name = reports.event_name
            and steps.currency = reports.currency
)

select * from final
