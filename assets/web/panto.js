// The page's side of `panto serve --web`: a connection to the server that it came from, kept by
// noVNC's RFB object. Whatever goes wrong is said in a sentence.
//
// A person does not type a password within the server's deadline for strangers, so a connection
// that asks for one is given up, and another is made when it is there.

const NOVNC = "./novnc/core/rfb.js";

// Seconds before each next try to come back; about two minutes in all.
const DELAYS = [1, 2, 4, 8, 15, 30, 60];

// The server has closed the connection and meant it: with a code, or without, which counts as 1005
// (RFC 6455, section 7.4.1). A connection that was lost is 1006.
const MEANT = [1000, 1005];

const $ = (id) => document.getElementById(id);

let rfb = null;
let secret = ticketOfLink();
let isTicket = secret !== null;
// Whether `secret` is one of this page's own, by which the server knows it again: a ticket is good once.
let returns = false;
let tries = 0;
let timer = null;

// A link holds a ticket behind `#`, which no browser sends.
function ticketOfLink() {
  return new URLSearchParams(location.hash.slice(1)).get("ticket");
}

function show(state, message) {
  document.body.dataset.state = state;
  $("message").textContent = message;
  $("connect").hidden = state === "connecting";
  $("login").hidden = state !== "login";
  if (state === "login") {
    $("password").focus();
  }
}

// A secret for coming back, and what the server is told of it: its SHA-256. Null without a secure
// context, which a page over HTTPS or from this machine is.
async function wayBack() {
  if (!window.isSecureContext) {
    return null;
  }
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const own = hex(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(own));
  return { secret: own, hash: hex(new Uint8Array(digest)) };
}

function login(message) {
  secret = null;
  isTicket = false;
  returns = false;
  show("login", message);
}

async function connect() {
  clearTimeout(timer);
  if (tries === 0) {
    show("connecting", "Connecting …");
  }
  let RFB;
  try {
    RFB = (await import(NOVNC)).default;
  } catch {
    // Browsers remember that it failed, so that another try would not ask the server.
    show("ended", "noVNC cannot be loaded from the server. Load this page again.");
    $("connect").hidden = true;
    return;
  }
  // What is used up soon does not stay in the history.
  if (location.hash) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  const back = isTicket ? await wayBack() : null;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/websocket`);
  // Listened to first: noVNC says that it is disconnected while it hears of the end itself.
  const wire = { opened: false, code: null };
  socket.addEventListener("open", () => { wire.opened = true; });
  socket.addEventListener("close", (event) => { wire.code = event.code; });
  const username = back === null ? "" : `return=${back.hash}`;
  const credentials = secret === null ? {} : { username, password: secret };
  attempt(new RFB($("screen"), socket, { credentials }), wire, back);
}

// One connection, from its beginning to its end.
function attempt(candidate, wire, back) {
  let asked = false;
  let refused = null;
  let entered = false;
  rfb = candidate;
  candidate.addEventListener("credentialsrequired", () => {
    asked = true;
    candidate.disconnect();
  });
  candidate.addEventListener("securityfailure", (event) => {
    refused = event.detail.reason ?? "the server lets nobody in";
  });
  candidate.addEventListener("connect", () => {
    entered = true;
    tries = 0;
    if (back !== null) {
      secret = back.secret;
      returns = true;
    }
    show("connected", "");
    settle();
    candidate.focus();
  });
  candidate.addEventListener("desktopname", (event) => {
    $("name").textContent = event.detail.name;
    document.title = `${event.detail.name} – Panto`;
  });
  candidate.addEventListener("clipboard", (event) => {
    $("clipboard-text").value = event.detail.text;
  });
  candidate.addEventListener("disconnect", () => {
    if (rfb !== candidate) {
      return;
    }
    rfb = null;
    if (asked) {
      login("This screen is shown to those who know its password, or have a ticket.");
    } else if (refused !== null) {
      login(returns
        ? "The connection was lost for too long, or the server has begun anew. Type a password or another ticket."
        : isTicket
        ? "The server did not take the ticket of this link: a ticket is good once, and for 15 minutes. "
          + "Type a password or another ticket."
        : `The server refused: ${refused}.`);
    } else if (entered && MEANT.includes(wire.code)) {
      tries = 0;
      show("ended", "The server has ended the connection.");
    } else if (entered) {
      lost();
    } else {
      again(wire.opened
        ? "The server closed the connection before it let anybody in."
        : "The server does not answer.");
    }
  });
}

// The connection was there and is not any more. A ticket has been used up by it.
function lost() {
  if (isTicket && !returns) {
    login("The connection was lost, and the ticket was good for one. Type a password or another ticket.");
  } else {
    again("The connection was lost.");
  }
}

// Tries again after a while, and says so; in the end it is left to the person.
function again(why) {
  const delay = DELAYS[tries];
  if (delay === undefined) {
    tries = 0;
    show("ended", `${why} Is panto serve still running?`);
    return;
  }
  tries += 1;
  show("waiting", `${why} Trying again in ${delay} s.`);
  timer = setTimeout(connect, 1000 * delay);
}

// Brings what the person has chosen into force.
function settle() {
  if (rfb === null) {
    return;
  }
  const size = $("size").value;
  rfb.scaleViewport = size !== "exact";
  rfb.resizeSession = size === "resize";
  rfb.clipViewport = size === "exact";
  rfb.dragViewport = false;
  rfb.viewOnly = $("view-only").checked;
}

$("card").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!$("login").hidden) {
    secret = $("password").value;
    isTicket = false;
    $("password").value = "";
  }
  tries = 0;
  connect();
});
$("size").addEventListener("change", settle);
$("view-only").addEventListener("change", settle);
$("clipboard-button").addEventListener("click", () => {
  const box = $("clipboard");
  box.hidden = !box.hidden;
  $("clipboard-button").setAttribute("aria-expanded", String(!box.hidden));
});
$("clipboard-text").addEventListener("input", () => {
  rfb?.clipboardPasteFrom($("clipboard-text").value);
});
$("fullscreen").addEventListener("click", () => {
  document.documentElement.requestFullscreen().then(() => rfb?.focus(), () => {
    $("fullscreen").textContent = "This browser refuses full screen";
  });
});
// Whole pixels: noVNC would ask again and again for a screen of 436.8 lines.
new ResizeObserver(([main]) => {
  $("screen").style.width = `${Math.floor(main.contentRect.width)}px`;
  $("screen").style.height = `${Math.floor(main.contentRect.height)}px`;
}).observe(document.querySelector("main"));
$("leave").addEventListener("click", () => {
  const leaving = rfb;
  rfb = null;
  leaving?.disconnect();
  if (isTicket && !returns) {
    login("Disconnected, and the ticket was good for one connection. Type a password or another ticket.");
  } else {
    show("ended", "Disconnected.");
  }
});

connect();
