create table email (id text primary key, recipient text not null, subject text not null, body text not null, sent_at real);
create table template (name text primary key, subject text not null, body text not null);
