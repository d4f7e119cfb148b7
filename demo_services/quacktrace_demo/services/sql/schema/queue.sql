create table message (
    id text primary key,
    destination text not null,
    body text not null,
    headers text not null,
    sent_at real not null,
    claimed_until real not null
);
create index messages_by_age on message (destination, sent_at);
