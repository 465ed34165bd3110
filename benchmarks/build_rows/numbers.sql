-- The rows of a shop, as macros of their numbers: click i, session s, order j. Every choice is a hash of the number, of
-- what it is for (the second argument) and of the seed, so a row is the same in whichever load it comes.
-- Variables: seed, start (the first day), days, clicks and orders (of those days), late_from (the first day whose late
-- clicks come a day later), first_day and end_day (which days' arrivals to write; the end is not included).
create or replace temp macro draw(number, what) as hash(number, what, getvariable('seed'));
create or replace temp macro percent(number, what) as draw(number, what) % 100;
create or replace temp macro at_day(day) as getvariable('start') + to_days(day::integer);

-- 1. When, and in which session. A block is twenty minutes of clicks that begin sessions, and twenty of clicks that go
-- on with one of them.
create or replace temp macro clicks_before(day) as
    (greatest(day, 0) * getvariable('clicks') + getvariable('days') - 1) // getvariable('days');
create or replace temp macro orders_before(day) as greatest(day, 0) * getvariable('orders') // getvariable('days');
create or replace temp macro day_of_click(i) as i * getvariable('days') // getvariable('clicks');
create or replace temp macro step() as greatest(getvariable('days') * 86400000000 // getvariable('clicks'), 1);
create or replace temp macro clicked_at(i) as
    getvariable('start')
    + to_microseconds((i * (getvariable('days') * 86400000000.0 / getvariable('clicks')))::bigint)
    + to_microseconds((draw(i, 1) % step())::bigint);
create or replace temp macro block() as greatest(getvariable('clicks') // (getvariable('days') * 72), 1);
create or replace temp macro session_of(i) as
    i // (2 * block()) * block()
    + case when i % (2 * block()) < block() then i % block() else (draw(i, 2) % block())::bigint end;
create or replace temp macro first_click_of(s) as s // block() * 2 * block() + s % block();

-- 2. Who. Customers come and go: within 180 days all of them are others.
create or replace temp macro customers() as greatest(getvariable('orders') * 90 // getvariable('days'), 10);
create or replace temp macro user_number(s) as
    s * customers() * getvariable('days') // (getvariable('clicks') * 90) + (draw(s, 3) % customers())::bigint;
create or replace temp macro user_of(s) as 'u' || user_number(s);
create or replace temp macro is_signed_in(s) as percent(s, 4) < 40;
create or replace temp macro cart_of(s) as case when percent(s, 5) < 3 then 'k' || s end;

-- 3. A click id that comes again names the later row.
create or replace temp macro click_id_of(i) as
    'c' || case when i > 50 and draw(i, 6) % 500 = 0 then i - 1 - (draw(i, 7) % 50)::bigint else i end;
create or replace temp macro network_click_id(i) as
    case
        when percent(i, 9) < 30 then '&gclid=Cj0KCQ' || md5(i::varchar)
        when percent(i, 9) < 60 then '&fbclid=IwAR' || md5(i::varchar)
        when percent(i, 9) < 70 then '&irclickid=' || left(md5(i::varchar), 20)
        when percent(i, 9) < 80 then '&msclkid=' || md5(i::varchar)
        when percent(i, 9) < 90 then '&ttclid=E.C.P.' || md5(i::varchar)
        else ''
    end;
create or replace temp macro landing_url(i) as
    'https://shop.example/products/' || (draw(i, 10) % 5000) || '?utm_source=s' || (draw(i, 23) % 12)
    || '&utm_medium=cpc&utm_campaign=campaign-' || (draw(i, 24) % 200) || network_click_id(i);
create or replace temp macro is_late(i) as day_of_click(i) >= getvariable('late_from') and percent(i, 8) = 0;

-- 4. Orders follow a click, most of them in its session.
create or replace temp macro click_of_order(j) as
    j * getvariable('clicks') // getvariable('orders')
    + (draw(j, 11) % greatest(getvariable('clicks') // getvariable('orders'), 1))::bigint;
create or replace temp macro day_of_order(j) as day_of_click(click_of_order(j));
create or replace temp macro ordered_at(j) as
    clicked_at(click_of_order(j)) + to_seconds(120) + to_microseconds((draw(j, 12) % 10800000000)::bigint);
create or replace temp macro status_of(j) as
    case
        when percent(j, 13) < 92 then 'paid' when percent(j, 13) < 95 then 'pending'
        when percent(j, 13) < 98 then 'cancelled' else 'failed'
    end;
create or replace temp macro next_status_of(j) as
    case status_of(j)
        when 'pending' then 'paid'
        when 'paid' then case when percent(j, 14) < 70 then 'shipped' else 'cancelled' end
        else status_of(j)
    end;
create or replace temp macro currency_of(j) as
    case when percent(j, 25) < 85 then 'EUR' when percent(j, 25) < 97 then 'USD' else 'JPY' end;
create or replace temp macro amount_of(j) as
    ((draw(j, 26) % 20000) * case when currency_of(j) = 'JPY' then 1 else 0.01 end)::decimal(18, 4);
create or replace temp macro part_of(j, share) as
    case currency_of(j) when 'JPY' then round(amount_of(j) * share, 0) else round(amount_of(j) * share, 2) end;

-- 5. Where a row comes from: a file per entity and day, a number per file. `lane` tells the entities apart.
create or replace temp macro seen_of(day, lane) as 8 * day + lane;
create or replace temp macro file_of(day, entity) as entity || '/' || strftime(at_day(day), '%Y-%m-%d') || '.csv';
create or replace temp macro loaded_at(day) as at_day(day + 1) + to_seconds(3600);
create or replace temp macro is_wanted(day) as day >= getvariable('first_day') and day < getvariable('end_day');
