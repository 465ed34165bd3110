select
    occurred_on,
    destination,
    event_name,
    currency,
    count(*) as sent_postbacks,
    -- A later verdict does not undo that the receiver took it: see processing_rate.
    sum(case when is_accepted or is_rejected_later then 1 else 0 end) as accepted_postbacks,
    sum(case when state = 'rejected' and not is_rejected_later then 1 else 0 end) as rejected_postbacks,
    sum(case when state = 'unknown' then 1 else 0 end) as unknown_postbacks,
    sum(case when state = 'parked' then 1 else 0 end) as parked_postbacks,
    sum(delta) as sent_value,
    sum(case when is_accepted or is_rejected_later then delta else 0 end) as accepted_value,
    {{ ratio('sum(case when is_accepted or is_rejected_later then 1 else 0 end)', 'count(*)') }} as acceptance_rate
from {{ ref('deliveries') }}
where is_sent
group by 1, 2, 3, 4
