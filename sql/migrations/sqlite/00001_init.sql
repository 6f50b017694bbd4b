-- The ledger's tables. Times are microseconds since 1970 in UTC, 0 = none; ids are 16 bytes of
-- UUIDv7; bodies are bytes as received. Merchant-owned keys begin with the account (ledger 36); other
-- indexes begin with an id where they can, because a planner without statistics takes an account for
-- a handful of rows.

-- +goose Up
CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
);

-- Dedupe keys of messages: a keyed hash of the message id, kept longer than the message (ledger 3).
CREATE TABLE message_keys (
    account_id  TEXT   NOT NULL,
    key         BLOB   NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX message_keys_age ON message_keys (received_at);

-- source says who or what told us, '' = the customer; see attribution.Source.
CREATE TABLE messages (
    account_id      TEXT   NOT NULL,
    id              BLOB   NOT NULL,
    conversation_id BLOB   NOT NULL,
    type            TEXT   NOT NULL,
    sent_at         BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    body            BLOB,
    source          TEXT   NOT NULL,
    PRIMARY KEY (account_id, id)
);
-- What the business wrote: few rows, looked up for the amount that it quoted last.
CREATE INDEX messages_ours ON messages (conversation_id, account_id, sent_at) WHERE source IN ('echo', 'report');

-- merged_into is the contact's own id, or the older contact that stands for it (ledger 9).
CREATE TABLE contacts (
    account_id  TEXT   NOT NULL,
    id          BLOB   NOT NULL,
    merged_into BLOB   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (account_id, id)
) WITHOUT ROWID;
CREATE INDEX contacts_family ON contacts (merged_into);

-- A name held by a contact from from_at (0 = since ever) to to_at (0 = until now) (ledger 8).
CREATE TABLE aliases (
    account_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    value      TEXT   NOT NULL,
    from_at    BIGINT NOT NULL,
    to_at      BIGINT NOT NULL,
    contact_id BLOB   NOT NULL,
    PRIMARY KEY (account_id, kind, value, from_at)
) WITHOUT ROWID;
CREATE INDEX aliases_contact ON aliases (contact_id);

CREATE TABLE conversations (
    account_id TEXT   NOT NULL,
    id         BLOB   NOT NULL,
    contact_id BLOB   NOT NULL,
    number_id  TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (account_id, contact_id, number_id),
    UNIQUE (account_id, id)
) WITHOUT ROWID;

-- clid is '' for ads in WhatsApp Status, for which Meta sends none (ledger 11).
CREATE TABLE clicks (
    account_id      TEXT   NOT NULL,
    conversation_id BLOB   NOT NULL,
    id              BLOB   NOT NULL,
    clid            TEXT   NOT NULL,
    ad_id           TEXT   NOT NULL,
    source_type     TEXT   NOT NULL,
    source_url      TEXT   NOT NULL,
    headline        TEXT   NOT NULL,
    clicked_at      BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    PRIMARY KEY (account_id, conversation_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX clicks_clid ON clicks (account_id, clid, conversation_id) WHERE clid <> '';
CREATE INDEX clicks_age ON clicks (clicked_at);

-- What is left of pruned clicks: how many there were, per day and ad (ledger 12).
CREATE TABLE click_days (
    account_id   TEXT   NOT NULL,
    day          TEXT   NOT NULL,
    ad_id        TEXT   NOT NULL,
    clicks       BIGINT NOT NULL,
    without_clid BIGINT NOT NULL,
    PRIMARY KEY (account_id, day, ad_id)
);

-- Matches that lack a click, with the trigger's bytes (ledger 13).
CREATE TABLE unattributed (
    account_id      TEXT   NOT NULL,
    conversation_id BLOB   NOT NULL,
    trigger_id      BLOB   NOT NULL,
    rule            TEXT   NOT NULL,
    event_name      TEXT   NOT NULL,
    reason          TEXT   NOT NULL,
    sent_at         BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    body            BLOB   NOT NULL,
    source          TEXT   NOT NULL,
    PRIMARY KEY (account_id, conversation_id, trigger_id, rule)
);
CREATE INDEX unattributed_age ON unattributed (received_at);

-- What may happen once. An event's id and its trigger stand here and not in deliveries, because a claim is
-- never changed: each index of a table makes every update of its rows dearer.
CREATE TABLE claims (
    account_id      TEXT   NOT NULL,
    key             TEXT   NOT NULL,
    event_name      TEXT   NOT NULL,
    event_id        TEXT   NOT NULL,
    conversation_id BLOB   NOT NULL,
    trigger_id      BLOB   NOT NULL,
    delivery_id     BLOB   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (account_id, key),
    UNIQUE (account_id, event_name, event_id)
);
CREATE INDEX claims_conversation ON claims (conversation_id);
CREATE INDEX claims_trigger ON claims (trigger_id);

-- Each delivery is written once more, when it is settled. PostgreSQL leaves room for that in its page: else it would
-- go to the end of the table, where no page is in memory.
CREATE TABLE deliveries (
    account_id      TEXT    NOT NULL,
    id              BLOB    NOT NULL,
    status          TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    detail          TEXT    NOT NULL,
    event_id        TEXT    NOT NULL,
    event_name      TEXT    NOT NULL,
    event_at        BIGINT  NOT NULL,
    value_minor     BIGINT  NOT NULL,
    currency        TEXT    NOT NULL,
    payload         BLOB,
    claim_key       TEXT    NOT NULL,
    conversation_id BLOB    NOT NULL,
    trigger_id      BLOB    NOT NULL,
    rule            TEXT    NOT NULL,
    rule_set        TEXT    NOT NULL,
    why             TEXT    NOT NULL,
    clid            TEXT    NOT NULL,
    ad_id           TEXT    NOT NULL,
    clicked_at      BIGINT  NOT NULL,
    dataset_id      TEXT    NOT NULL,
    test_code       TEXT    NOT NULL,
    due_at          BIGINT  NOT NULL,
    attempts        INTEGER NOT NULL,
    unknowns        INTEGER NOT NULL,
    batch_limit     INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    call_id         BLOB,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    cancel_if       BLOB,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX deliveries_due ON deliveries (account_id, due_at, id, created_at) WHERE status = 'queued';
CREATE INDEX deliveries_open ON deliveries (event_at) WHERE status IN ('queued', 'waiting');
CREATE INDEX deliveries_waiting ON deliveries (due_at) WHERE status = 'waiting';
CREATE INDEX deliveries_held ON deliveries (account_id, reason) WHERE status = 'held';
CREATE INDEX deliveries_rejected ON deliveries (account_id) WHERE status = 'rejected';

-- One row per HTTP request to Meta, written before it leaves (ledger 22).
CREATE TABLE calls (
    account_id  TEXT    NOT NULL,
    id          BLOB    NOT NULL,
    node        TEXT    NOT NULL,
    epoch       BIGINT  NOT NULL,
    dataset_id  TEXT    NOT NULL,
    test_code   TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    carries     BLOB,
    started_at  BIGINT  NOT NULL,
    ended_at    BIGINT  NOT NULL,
    outcome     TEXT    NOT NULL,
    http_status INTEGER NOT NULL,
    code        INTEGER NOT NULL,
    subcode     INTEGER NOT NULL,
    words       TEXT    NOT NULL,
    trace_id    TEXT    NOT NULL,
    answer      BLOB,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX calls_open ON calls (account_id) WHERE outcome = 'open';

-- The calls that carried a delivery before its last one; most deliveries have none.
CREATE TABLE attempts (
    account_id  TEXT NOT NULL,
    delivery_id BLOB NOT NULL,
    call_id     BLOB NOT NULL,
    PRIMARY KEY (account_id, delivery_id, call_id)
) WITHOUT ROWID;

-- An account's sending line: who holds it, until when, and whether it rests (ledger 21).
CREATE TABLE lanes (
    account_id   TEXT   PRIMARY KEY,
    holder       TEXT   NOT NULL,
    epoch        BIGINT NOT NULL,
    lease_until  BIGINT NOT NULL,
    paused_until BIGINT NOT NULL,
    pause_words  TEXT   NOT NULL,
    pause_cause  TEXT   NOT NULL DEFAULT ''
);

-- People about whom nothing is sent to Meta, by each of their names.
CREATE TABLE opt_outs (
    account_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    value      TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (account_id, kind, value)
);

-- Since when an account's test code is in the settings: it ends by itself (ledger 24).
CREATE TABLE test_codes (
    account_id TEXT   PRIMARY KEY,
    code       TEXT   NOT NULL,
    since      BIGINT NOT NULL
);

-- Notifications, or parts of one, that could not be recorded; digest is SHA-256 of the body.
CREATE TABLE quarantine (
    digest      BLOB   PRIMARY KEY,
    received_at BIGINT NOT NULL,
    reason      TEXT   NOT NULL,
    waba_id     TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    tries       BIGINT NOT NULL,
    body        BLOB   NOT NULL
);
CREATE INDEX quarantine_waba ON quarantine (reason, waba_id);
CREATE INDEX quarantine_age ON quarantine (received_at);

-- The last valid rule set of each account, with its files (ledger 30).
CREATE TABLE rule_sets (
    account_id   TEXT   PRIMARY KEY,
    hash         TEXT   NOT NULL,
    published_at BIGINT NOT NULL,
    files        BLOB   NOT NULL
);

-- Whose turn it is to run a background job: one node at a time.
CREATE TABLE jobs (
    name        TEXT   PRIMARY KEY,
    holder      TEXT   NOT NULL,
    lease_until BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL
);

-- Which rule set each running node has in force, so that a difference is seen (ledger 30).
CREATE TABLE nodes (
    node       TEXT   NOT NULL,
    account_id TEXT   NOT NULL,
    rule_set   TEXT   NOT NULL,
    seen_at    BIGINT NOT NULL,
    PRIMARY KEY (node, account_id)
);

-- What is only counted: message statuses, matches that 'once' blocked, shadowed ones.
CREATE TABLE counters (
    account_id TEXT   NOT NULL,
    day        TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    node       TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    PRIMARY KEY (account_id, day, kind, node)
);

-- Events that a person has to look at, by their age: which of them will soon be too old to send.
CREATE INDEX deliveries_held_age ON deliveries (event_at) WHERE status = 'held';

-- What is told about an account as long as it lasts, so that it is told once.
CREATE TABLE conditions (
    account_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    cause      TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (account_id, kind, cause)
) WITHOUT ROWID;

-- What is told, a row per receiver; receiver is a hash of its address.
CREATE TABLE notices (
    account_id  TEXT    NOT NULL,
    id          BLOB    NOT NULL,
    receiver    TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    state       TEXT    NOT NULL,
    due_at      BIGINT  NOT NULL,
    attempts    INTEGER NOT NULL,
    http_status INTEGER NOT NULL,
    words       TEXT    NOT NULL,
    created_at  BIGINT  NOT NULL,
    ended_at    BIGINT  NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX notices_due ON notices (receiver, due_at) WHERE state = 'queued';

-- +goose Down
DROP TABLE notices;
DROP TABLE conditions;
DROP TABLE counters;
DROP TABLE nodes;
DROP TABLE jobs;
DROP TABLE rule_sets;
DROP TABLE quarantine;
DROP TABLE opt_outs;
DROP TABLE test_codes;
DROP TABLE lanes;
DROP TABLE attempts;
DROP TABLE calls;
DROP TABLE deliveries;
DROP TABLE claims;
DROP TABLE unattributed;
DROP TABLE click_days;
DROP TABLE clicks;
DROP TABLE conversations;
DROP TABLE aliases;
DROP TABLE contacts;
DROP TABLE messages;
DROP TABLE message_keys;
DROP TABLE installation;
