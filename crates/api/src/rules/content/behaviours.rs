//! Decisions about content where the pages are silent. Operations that send messages list them in their specs.

use larkspur_contract::{Basis, Behaviour};

/// All of them.
pub const BEHAVIOURS: [Behaviour; 6] = [TEXTS, MENTIONS, POSTS, MARKDOWN, CONTENT_V2, DIVIDERS];

/// How texts are stored.
pub const TEXTS: Behaviour = Behaviour {
    name: "message_texts",
    rule: "The limits of 150 KB (text) and 30 KB (all other types) count the bytes of content; more is 230025. An empty text is 230001 with the reason content cannot be empty. Styles are dropped if all their tags are nested correctly, otherwise all of them stay as text. A mail address becomes [address](mailto:address), unless it is in a link or a web address. The file_key of a sticker is not checked.",
    basis: Basis::Assumed,
    switch: false,
};

/// How mentions are stored.
pub const MENTIONS: Behaviour = Behaviour {
    name: "message_mentions",
    rule: "A person has one key in a message, also if mentioned under several IDs. The tag of an unknown ID stays as text; a node of a rich text keeps its user_id and user_name. A known person's node has an empty user_name. Custom bots: an unknown ID becomes the name in its tag.",
    basis: Basis::Assumed,
    switch: false,
};

/// Which rich texts are accepted, and what of them is stored.
pub const POSTS: Behaviour = Behaviour {
    name: "message_posts",
    rule: "Of several languages zh_cn is stored, otherwise en_us, ja_jp, or the first one sent; all must be valid. Title and paragraphs without a language are accepted, the wrapper post of custom bots is not. An address must be http, https, lark or feishu with a host, mailto or tel; otherwise the reason is invalid href. An image, video or Markdown node beside other nodes, and a rich text without title and nodes, have the reason invalid message content. validate content fail.",
    basis: Basis::Assumed,
    switch: false,
};

/// How Markdown is stored.
pub const MARKDOWN: Behaviour = Behaviour {
    name: "message_markdown",
    rule: "Each line of an md node becomes a paragraph. Quotes lose their mark, items of lists keep it as text. ![…](img_…) becomes an image in a paragraph of its own. Headings, inline code and tables stay as text.",
    basis: Basis::Assumed,
    switch: false,
};

/// How dividers are checked.
pub const DIVIDERS: Behaviour = Behaviour {
    name: "message_dividers",
    rule: "The limit of 20 characters counts those of Chinese, Japanese and Korean twice. Languages are accepted in any case, and read back in lower case.",
    basis: Basis::Assumed,
    switch: false,
};

/// Whether Markdown is kept.
pub const CONTENT_V2: Behaviour = Behaviour {
    name: "content_v2",
    rule: "Off by default. With the setting, a rich text that is sent with Markdown while it is on has content_v2 beside content in answers and events: the paragraphs as they were sent, md nodes included, with placeholders for those whom they mention.",
    basis: Basis::Observed,
    switch: true,
};
