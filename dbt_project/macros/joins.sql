{#
    Hooks around a model whose outer joins the engine would misplace. DuckDB takes what an outer join is going to return for
    as little as an inner join's result, and so builds its hash tables from the large, wide side. Between the two hooks joins
    run in the order in which they are written, the right side of each as the hash table. DuckDB knows the setting for the
    whole process only: what runs beside the model on another thread, or after it failed, is joined as written as well. That
    is a matter of speed, never of results.
#}
{% macro joins_as_written() -%}
    {{ return(adapter.dispatch('joins_as_written', 'postback_pipeline')()) }}
{%- endmacro %}

{% macro default__joins_as_written() -%}
    set disabled_optimizers = 'join_order,build_side_probe_side'
{%- endmacro %}

{% macro spark__joins_as_written() -%}
{%- endmacro %}

{% macro joins_as_planned() -%}
    {{ return(adapter.dispatch('joins_as_planned', 'postback_pipeline')()) }}
{%- endmacro %}

{% macro default__joins_as_planned() -%}
    reset disabled_optimizers
{%- endmacro %}

{% macro spark__joins_as_planned() -%}
{%- endmacro %}
