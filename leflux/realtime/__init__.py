"""The Socket.IO side: who sits where (`hub`), what they may say (`events`), and the transport (`engine`)."""
