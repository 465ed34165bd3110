with source as (
    select * from {{ source('raw', 'consents') }}
),

renamed as (
    select
        subject_type,
        subject_id,
        purpose,
        state,
        region,
        version,
        _row_hash as row_hash,
        _seen as seen,
        recorded_at,
        _loaded_at as loaded_at
    from source
)

select * from renamed
