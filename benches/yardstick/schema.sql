-- What a receiver that commits one transaction per callback asks of PostgreSQL. Loaded once, before one.sql.
create table transactions (
    id uuid primary key,
    gateway text not null,
    gateway_ref text not null,
    status smallint not null,
    amount bigint not null,
    currency char(3) not null,
    version bigint not null default 0,
    updated_at timestamptz not null default now(),
    unique (gateway, gateway_ref)
);

create table callbacks (
    id bigserial primary key,
    gateway text not null,
    event_id text not null,
    received_at timestamptz not null default now(),
    headers jsonb not null,
    body bytea not null,
    outcome smallint not null,
    unique (gateway, event_id)
);

create table events (
    seq bigserial primary key,
    xid xid8 not null default pg_current_xact_id(),
    transaction_id uuid not null,
    from_status smallint,
    to_status smallint not null,
    callback_id bigint,
    at timestamptz not null default now()
);

create index on events (transaction_id);

insert into transactions
select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'stripe', 'pi_' || n, 0, 1000, 'USD'
from generate_series(1, 1000000) n;

analyze;
