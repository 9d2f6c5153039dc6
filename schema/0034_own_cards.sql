-- Cards of which each reader has their own: what a click or a later update put in the place of the card that was sent, for one
-- reader. `message` is the number of the message, `reader` a user_id, and `reader_no` the number that the user's ids are made of.
-- A reader without a row sees the card of the message. Times are in the tenant's time.
CREATE TABLE own_card (
    tenant TEXT NOT NULL,
    message BIGINT NOT NULL,
    reader_no BIGINT NOT NULL,
    reader TEXT NOT NULL,
    content TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, message, reader_no)
);

-- States of a chat that no public operation sets, with blanks in between; empty for none.
ALTER TABLE chat ADD COLUMN conditions TEXT NOT NULL DEFAULT '';
