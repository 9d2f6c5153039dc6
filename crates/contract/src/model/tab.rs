//! The tabs of a chat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Type of a chat tab.
    TabType {
        /// Messages: the first tab of every chat.
        Message = "message",
        /// Cloud documents.
        DocList = "doc_list",
        /// A document.
        Doc = "doc",
        /// Pinned messages.
        Pin = "pin",
        /// Meeting minutes.
        MeetingMinute = "meeting_minute",
        /// The announcement.
        ChatAnnouncement = "chat_announcement",
        /// A web page.
        Url = "url",
        /// Files.
        File = "file",
        /// Files, documents and links.
        FilesResources = "files_resources",
        /// Pictures and videos.
        ImagesVideos = "images_videos",
        /// Tasks.
        Task = "task",
    }
}
