{%- set parameters = click_id_parameters() -%}
{%- set stored = ['fbp', 'ga_client_id'] -%}

with parsed as (
    select
        click_id,
        fbp,
        {%- for row in parameters %}
        {{ url_parameter('landing_url', row['parameter']) }} as parameter_{{ loop.index }},
        {%- endfor %}
        ga_client_id
    from {{ ref('int_clicks') }}
),

identifiers as (
    {%- for identifier in stored %}
    select
        click_id,
        '{{ identifier }}' as identifier,
        {{ identifier }} as identifier_value
    from parsed
    where {{ identifier }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- for row in parameters %}
    union all
    select
        click_id,
        '{{ row['identifier'] }}' as identifier,
        parameter_{{ loop.index }} as identifier_value
    from parsed
    where parameter_{{ loop.index }} is not null
    {%- endfor %}
),

-- Two parameters may name the same identifier; a click still carries one value of it.
one_value_each as (
    select
        click_id,
        identifier,
        min(identifier_value) as identifier_value
    from identifiers
    group by 1, 2
),

final as (
    select
        one_value_each.click_id,
        clicks.session_id,
        clicks.cart_id,
        clicks.user_id,
        one_value_each.identifier,
        one_value_each.identifier_value,
        clicks.clicked_at,
        clicks.loaded_at
    from one_value_each
    inner join {{ ref('int_clicks') }} as clicks on one_value_each.click_id = clicks.click_id
)

select * from final
