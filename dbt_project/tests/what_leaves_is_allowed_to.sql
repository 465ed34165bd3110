{{ config(meta={'dagster': {'ref': {'name': 'postbacks'}}}) }}

-- What is due for the first time carries a value, is not past its receiver's time, and names no person without consent.
select
    postbacks.destination,
    postbacks.conversion_key,
    postbacks.reason_code
from {{ ref('postbacks') }} as postbacks
cross join {{ ref('stg_build_context') }} as context
where
    (postbacks.keys_only and postbacks.person <> '{}')
    or (postbacks.reason_code = 'eligible' and postbacks.expires_at < context.as_of)
    -- What is on its way when an experiment begins is called back, never told.
    or (postbacks.reason_code = 'holdout' and postbacks.desired_value > 0)
    or postbacks.desired_value < 0
    or postbacks.delta <> postbacks.desired_value - coalesce(postbacks.last_accepted_value, 0)
