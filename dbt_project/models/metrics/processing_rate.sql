with judging as (
    select destination
    from {{ ref('stg_destination_capabilities') }}
    where judges_later
    union
    -- A destination that is configured no longer has left its verdicts.
    select destination
    from {{ ref('deliveries') }}
    where processed_at is not null
),

taken as (
    select
        *,
        -- As the ledger's `receipts.UNCONFIRMED` begins such a reason.
        state = 'accepted' and coalesce(reason like 'unconfirmed: %', false) as is_unconfirmed
    from {{ ref('deliveries') }}
    where
        (is_accepted or is_rejected_later)
        and destination in (select destination from judging)
)

select
    occurred_on,
    destination,
    event_name,
    currency,
    count(*) as accepted_postbacks,
    sum(case when state = 'processed' then 1 else 0 end) as processed_postbacks,
    sum(case when is_rejected_later then 1 else 0 end) as rejected_later_postbacks,
    sum(case when is_unconfirmed then 1 else 0 end) as unconfirmed_postbacks,
    sum(case when state = 'accepted' and not is_unconfirmed then 1 else 0 end) as unjudged_postbacks,
    sum(delta) as accepted_value,
    sum(case when state = 'processed' then delta else 0 end) as processed_value,
    {{ ratio("sum(case when state = 'processed' then 1 else 0 end)", 'count(*)') }} as processing_rate
from taken
group by 1, 2, 3, 4
