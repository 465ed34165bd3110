-- Every status of the leads; `holds`: the newest one, `names_person`: the one whose keys attribution goes by.
select
    lead_id,
    status,
    status_at,
    created_at,
    score,
    value,
    currency,
    is_test,
    click_id,
    -- Which of the person's keys and contacts the row has; never what they are.
    concat_ws(
        ', ',
        case when session_id is not null then 'session_id' end,
        case when cart_id is not null then 'cart_id' end,
        case when user_id is not null then 'user_id' end,
        case when email is not null then 'e-mail' end,
        case when phone is not null then 'phone' end
    ) as carries,
    (_seen, _row_number) in (
        select (record_seen, record_row) from marts.conversions
        where conversion_key = any($conversion_keys) and source_entity = 'leads'
    ) as holds,
    (_seen, _row_number) in (
        select (identity_seen, identity_row) from marts.conversions
        where conversion_key = any($conversion_keys) and source_entity = 'leads'
    ) as names_person,
    _file as file,
    _row_number as row_number,
    _loaded_at as loaded_at
from raw.leads
where lead_id = any($lead_ids)
order by lead_id, status_at, _seen, _row_number
