-- One callback, one transaction: evidence, lock, state, event. By hand: pgbench -n -M prepared -f one.sql -c 64 -j 2 -T 8
\set t random(1, 1000000)
\set e random(1, 1000000000000)
begin;
insert into callbacks (gateway, event_id, headers, body, outcome) values ('stripe', 'evt_' || :e, '{"stripe-signature":"t=1492774577,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"}', decode(repeat('7b2269', 300), 'hex'), 1) on conflict do nothing;
select id, status, amount, currency, version from transactions where gateway = 'stripe' and gateway_ref = 'pi_' || :t for update;
update transactions set status = 2, version = version + 1, updated_at = now() where id = ('00000000-0000-0000-0000-' || lpad((:t)::text, 12, '0'))::uuid;
insert into events (transaction_id, from_status, to_status) values (('00000000-0000-0000-0000-' || lpad((:t)::text, 12, '0'))::uuid, 0, 2);
commit;
