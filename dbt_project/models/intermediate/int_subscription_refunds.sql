-- A subscription's refunds and chargebacks, each with the newest charge before it: that is the event it takes back.
with versions as (
    select
        *,
        row_number() over (partition by event_id order by seen desc, row_hash desc, file_row desc) as version_rank
    from {{ ref('stg_subscription_events') }}
    where
        subscription_id in (
            select subscription_id from {{ ref('stg_subscription_events') }}
            where {{ in_scope('subscription_events', 'event_id') }}
        )
),

newest as (
    select * from versions
    where version_rank = 1
),

paired as (
    select
        refunds.event_id as refund_id,
        refunds.source_event as kind,
        charges.event_id,
        coalesce(refunds.currency, charges.currency) as currency,
        coalesce(refunds.gross_amount, charges.gross_amount) as amount,
        refunds.occurred_at as refunded_at,
        refunds.loaded_at,
        row_number() over (
            partition by refunds.event_id order by charges.occurred_at desc, charges.event_id desc
        ) as pick
    from newest as refunds
    left join newest as charges
        on
            refunds.subscription_id = charges.subscription_id
            and charges.source_event in ('start', 'renewal', 'upgrade', 'downgrade')
            and coalesce(charges.gross_amount, 0) > 0
            and refunds.occurred_at >= charges.occurred_at
    where refunds.source_event in ('refund', 'chargeback')
)

select * from paired
where pick = 1
