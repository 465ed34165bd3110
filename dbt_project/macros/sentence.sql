{# A reason's sentence with the decision's own values in place of the words in braces. #}
{% macro sentence(template, decisions) -%}
    {%- set texts = ['consent_record', 'pixel_event_id', 'experiment', 'source_currency', 'currency'] -%}
    {%- set times = ['eligible_at', 'window_start', 'expires_at'] -%}
    {%- set ns = namespace(sql=template) -%}
    {%- for name in texts -%}
        {%- set ns.sql = 'replace(' ~ ns.sql ~ ", '{" ~ name ~ "}', coalesce(" ~ decisions ~ '.' ~ name ~ ", 'unknown'))" -%}
    {%- endfor -%}
    {%- for name in times -%}
        {%- set ns.sql = 'replace(' ~ ns.sql ~ ", '{" ~ name ~ "}', coalesce(" ~ utc_text(decisions ~ '.' ~ name) ~ ", 'ever'))" -%}
    {%- endfor -%}
    {{ ns.sql }}
{%- endmacro %}
