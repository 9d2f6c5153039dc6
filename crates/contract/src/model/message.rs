//! A message: its type, and how requests name what they are about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Type of a message.
    MsgType {
        /// Text.
        Text = "text",
        /// Rich text: a title and paragraphs.
        Post = "post",
        /// An image.
        Image = "image",
        /// A file.
        File = "file",
        /// A voice message.
        Audio = "audio",
        /// A video.
        Media = "media",
        /// A sticker.
        Sticker = "sticker",
        /// A card.
        Interactive = "interactive",
        /// A chat that is shared.
        ShareChat = "share_chat",
        /// A user who is shared.
        ShareUser = "share_user",
        /// A message of the system.
        System = "system",
        /// Several messages, forwarded as one. It is received only.
        MergeForward = "merge_forward",
    }
    /// Kind of the id that a message is sent to.
    ReceiveIdType {
        /// Of a user: `ou_…`.
        OpenId = "open_id",
        /// Of a user: the tenant's own id.
        UserId = "user_id",
        /// Of a user: `on_…`.
        UnionId = "union_id",
        /// Of a user: the mail address.
        Email = "email",
        /// Of a chat: `oc_…`.
        ChatId = "chat_id",
    }
    /// Kind of the id that a message is forwarded to.
    ForwardIdType {
        /// Of a user: `ou_…`.
        OpenId = "open_id",
        /// Of a user: the tenant's own id.
        UserId = "user_id",
        /// Of a user: `on_…`.
        UnionId = "union_id",
        /// Of a user: the mail address.
        Email = "email",
        /// Of a chat: `oc_…`.
        ChatId = "chat_id",
        /// Of a thread: `omt_…`.
        ThreadId = "thread_id",
    }
    /// How urgently a user is told of a message.
    UrgentKind {
        /// In the client.
        App = "app",
        /// By a text message to the phone.
        Sms = "sms",
        /// By a call to the phone.
        Phone = "phone",
    }
    /// Language of a follow-up.
    FollowUpLanguage {
        /// English.
        EnUs = "en_us",
        /// Chinese.
        ZhCn = "zh_cn",
        /// Chinese, Hong Kong.
        ZhHk = "zh_hk",
        /// Chinese, Taiwan.
        ZhTw = "zh_tw",
        /// Japanese.
        JaJp = "ja_jp",
        /// Indonesian.
        IdId = "id_id",
        /// Vietnamese.
        ViVn = "vi_vn",
        /// Thai.
        ThTh = "th_th",
        /// Portuguese.
        PtBr = "pt_br",
        /// Spanish.
        EsEs = "es_es",
        /// Korean.
        KoKr = "ko_kr",
        /// German.
        DeDe = "de_de",
        /// French.
        FrFr = "fr_fr",
        /// Italian.
        ItIt = "it_it",
        /// Russian.
        RuRu = "ru_ru",
        /// Malay.
        MsMy = "ms_my",
    }
    /// Kind of what wrote a message, in searches.
    AuthorKind {
        /// A user.
        User = "user",
        /// A bot.
        Bot = "bot",
    }
    /// Kind of chat, in searches.
    SearchedChat {
        /// Groups and topic groups.
        Group = "group",
        /// Chats of two parties.
        P2p = "p2p",
    }
    /// What a message contains, in searches.
    AttachmentKind {
        /// An image.
        Image = "image",
        /// A video.
        Video = "video",
        /// A file.
        File = "file",
        /// A link.
        Link = "link",
    }
    /// Kind of what a list of messages is read from.
    ContainerIdType {
        /// A chat.
        Chat = "chat",
        /// A thread.
        Thread = "thread",
    }
    /// Order of a list of messages.
    MessageSort {
        /// The oldest first.
        ByCreateTimeAsc = "ByCreateTimeAsc",
        /// The newest first.
        ByCreateTimeDesc = "ByCreateTimeDesc",
    }
    /// Form in which the content of a card is read.
    CardContentType {
        /// As it was sent.
        UserCardContent = "user_card_content",
        /// As the client's own tree.
        RawCardContent = "raw_card_content",
    }
    /// What has become of a message.
    MessageState {
        /// It can be read.
        Normal = "normal",
        /// It was recalled.
        Recalled = "recalled",
    }
    /// In whose right a message was recalled.
    RecallType {
        /// Its sender's.
        MessageOwner = "message_owner",
        /// The owner's of the group.
        GroupOwner = "group_owner",
        /// A manager's of the group.
        GroupManager = "group_manager",
        /// The tenant's administrator's.
        EnterpriseManager = "enterprise_manager",
    }
}
