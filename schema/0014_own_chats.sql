-- Chats of two parties: found by the two, and listed for those who ask for them. What members set for themselves.

-- The two members of a p2p chat, the lesser first, with a blank between them; empty for every other chat.
ALTER TABLE chat ADD COLUMN parties TEXT NOT NULL DEFAULT '';
UPDATE chat SET parties = (SELECT CASE WHEN COUNT(*) = 2 THEN MIN(m.member) || ' ' || MAX(m.member) ELSE '' END
    FROM chat_member m WHERE m.tenant = chat.tenant AND m.chat_id = chat.chat_id) WHERE chat_mode = 'p2p';
CREATE INDEX chat_by_parties ON chat (tenant, parties) WHERE parties <> '';

-- `listed` is 1 for groups and topic groups, 2 for p2p chats, and 0 for those that were dissolved.
UPDATE chat_member SET listed = 2 WHERE EXISTS (SELECT 1 FROM chat c WHERE c.tenant = chat_member.tenant
    AND c.chat_id = chat_member.chat_id AND c.chat_mode = 'p2p' AND c.chat_status <> 'dissolved');

-- Whether the member wants to hear of the chat, and what everybody is told there; how it is called there, if not by its
-- own name. It goes with the membership.
ALTER TABLE chat_member ADD COLUMN muted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_member ADD COLUMN mute_at_all BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_member ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
