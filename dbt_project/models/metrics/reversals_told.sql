{%- set lasting = ['too_late', 'unsupported', 'not_sent', 'refused', 'other'] -%}

with sent as (
    select
        occurred_on,
        destination,
        event_name,
        currency,
        count(*) as sent_postbacks,
        sum(-delta) as sent_value
    from {{ ref('deliveries') }}
    where kind <> 'conversion' and is_accepted and delta < 0
    group by 1, 2, 3, 4
),

overstated as (
    select
        *,
        told_value - desired_value as excess,
        case
            when decision <> 'kept_as_reported' and newest_state in ('rejected', 'expired') then 'refused'
            when decision <> 'kept_as_reported' then 'waiting'
            when reason_code = 'adjustment_too_late' then 'too_late'
            when reason_code = 'unsupported_reversal' then 'unsupported'
            when reason_code = 'reversals_not_sent' then 'not_sent'
            else 'other'
        end as cause
    from {{ ref('int_reconciliation_steps') }}
    where told_value > desired_value
),

kept as (
    select
        occurred_on,
        destination,
        event_name,
        currency,
        {%- for cause in ['waiting'] + lasting %}
        sum(case when cause = '{{ cause }}' then 1 else 0 end) as {{ cause }}_conversions,
        sum(case when cause = '{{ cause }}' then excess else 0 end) as {{ cause }}_value,
        {%- endfor %}
        sum(case when cause <> 'waiting' then 1 else 0 end) as uncorrectable_conversions,
        sum(case when cause <> 'waiting' then excess else 0 end) as uncorrectable_value
    from overstated
    group by 1, 2, 3, 4
),

final as (
    select
        coalesce(sent.occurred_on, kept.occurred_on) as occurred_on,
        coalesce(sent.destination, kept.destination) as destination,
        coalesce(sent.event_name, kept.event_name) as event_name,
        coalesce(sent.currency, kept.currency) as currency,
        coalesce(sent.sent_postbacks, 0) as sent_postbacks,
        cast(coalesce(sent.sent_value, 0) as decimal(38, 4)) as sent_value,
        {%- for cause in ['waiting'] + lasting %}
        coalesce(kept.{{ cause }}_conversions, 0) as {{ cause }}_conversions,
        cast(coalesce(kept.{{ cause }}_value, 0) as decimal(38, 4)) as {{ cause }}_value,
        {%- endfor %}
        coalesce(kept.uncorrectable_conversions, 0) as uncorrectable_conversions,
        cast(coalesce(kept.uncorrectable_value, 0) as decimal(38, 4)) as uncorrectable_value
    from sent
    full outer join kept
        on
            sent.occurred_on = kept.occurred_on
            and sent.destination = kept.destination
            and sent.event_name = kept.event_name
            and sent.currency is not distinct from kept.currency
)

select
    *,
    {{ ratio('sent_value', 'sent_value + waiting_value + uncorrectable_value') }} as told_share
from final
