-- Searches for several words, without a look at each chat that has one of them.

-- All names of the chat, marked where their words begin, so that the row of one word tells whether the chat has the others.
-- Empty where it is not known: such chats are looked at one by one.
ALTER TABLE chat_term ADD COLUMN words TEXT NOT NULL DEFAULT '';
CREATE INDEX chat_term_by_word ON chat_term (tenant, is_open, term, chat_id, created_at, words);
DROP INDEX chat_term_by_term;
