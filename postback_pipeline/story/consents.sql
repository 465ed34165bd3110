-- Every consent record of the persons and sessions of the conversions, by what they are records of, not whose.
with subjects as (
    select conversion_key, 'user' as subject_type, user_id as subject_id from marts.conversions
    where conversion_key = any($conversion_keys)
    union all
    select conversion_key, 'session' as subject_type, session_id as subject_id from marts.conversions
    where conversion_key = any($conversion_keys)
)

select
    consents.subject_type,
    consents.purpose,
    consents.state,
    consents.recorded_at,
    consents.version,
    consents._file as file,
    consents._row_number as row_number,
    list(distinct subjects.conversion_key order by subjects.conversion_key) as conversion_keys
from raw.consents as consents
inner join subjects
    on
        consents.subject_type = subjects.subject_type
        and consents.subject_id = subjects.subject_id
group by all
order by consents.recorded_at, consents.purpose, consents.subject_type, consents._file, consents._row_number
