-- What is read of people for every message is in the index itself, so that their rows' own pages stay unread. And
-- nobody asks when somebody wrote last: to keep it, each message rewrote a page.

-- +goose Up
DROP INDEX contacts_family;
CREATE INDEX contacts_family ON contacts (merged_into, account_id, created_at);
DROP INDEX aliases_contact;
CREATE INDEX aliases_contact ON aliases (contact_id, account_id, to_at);
ALTER TABLE conversations DROP COLUMN last_at;

-- +goose Down
ALTER TABLE conversations ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0;
DROP INDEX aliases_contact;
CREATE INDEX aliases_contact ON aliases (contact_id);
DROP INDEX contacts_family;
CREATE INDEX contacts_family ON contacts (merged_into);
