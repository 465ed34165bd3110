{#- Clicks that are new, changed or removed since the last whole build. -#}
{%- set columns = ['click_id', 'session_id', 'cart_id', 'user_id'] -%}
{%- if builds_everything() %}
select
{%- for column in columns %}
    cast(null as varchar) as {{ column }}{{ ',' if not loop.last }}
{%- endfor %}
where false
{%- else %}
select
    {{ columns | join(', ') }}
from {{ ref('stg_clicks') }}
where {{ is_new() }}
union all
select
    {{ columns | join(', ') }}
from {{ ref('stg_removed_rows') }}
where entity = 'clicks' and {{ is_new() }}
{%- endif %}
