// What happens in one conversation, as it happens. Hints only: the page reads the conversation again.

import { useEffect, useRef, useState } from "preact/hooks";
import { ownerSocket } from "./owner-socket.js";

/** The visitor counts as typing for this long after the last sign of it. */
const TYPING_MS = 6_000;
/** The person counts as typing for this long after the last key. */
const STILL_MS = 4_000;

interface Change {
  conversationId: string;
  what: "taken" | "free" | "said" | "visitor_typing" | "visitor_still" | "person_typing" | "person_still";
}

export interface Watch {
  /** The visitor types at the moment. */
  isTyping: boolean;
  /** Tells the visitor that the person types; never what. */
  types: () => void;
}

/** Watches a live conversation, and calls `changed` when it has to be read again. */
export function useConversation(siteId: string, conversationId: string, isLive: boolean, changed: () => void): Watch {
  const [isTyping, setTyping] = useState(false);
  const tell = useRef<(typing: boolean) => void>(() => undefined);
  const still = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (!isLive) return;
    const named = { siteId, conversationId };
    const { socket, close } = ownerSocket<object>("watch_conversation", named, changed, changed);
    let timer: ReturnType<typeof setTimeout> | undefined;
    tell.current = (typing) => void socket.emit("person_typing", { ...named, typing }, () => undefined);
    socket.on("conversation_changed", (change: Change) => {
      if (change.conversationId !== conversationId) return;
      clearTimeout(timer);
      setTyping(change.what === "visitor_typing");
      if (change.what === "visitor_typing") timer = setTimeout(() => setTyping(false), TYPING_MS);
      if (["taken", "free", "said"].includes(change.what)) changed();
    });
    return () => {
      clearTimeout(timer);
      clearTimeout(still.current);
      still.current = undefined;
      tell.current = () => undefined;
      close();
    };
  }, [siteId, conversationId, isLive, changed]);
  const types = (): void => {
    if (still.current === undefined) tell.current(true);
    clearTimeout(still.current);
    still.current = setTimeout(() => {
      still.current = undefined;
      tell.current(false);
    }, STILL_MS);
  };
  return { isTyping, types };
}
