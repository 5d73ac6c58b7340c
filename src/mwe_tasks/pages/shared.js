"use strict";
// What every page begins with. Every text that it was given gets into a page through textContent alone.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const number = (value, digits = 3) => value.toLocaleString("en", { maximumFractionDigits: digits });
const count = (n, one) => `${number(n)} ${one}${n === 1 ? "" : "s"}`;
const wide = (width) => matchMedia(`(min-width: ${width})`).matches;

function make(tag, classes = "", text = null) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text !== null) element.textContent = text;
  return element;
}

function option(value, text) {
  const element = make("option", "", text);
  element.value = value;
  return element;
}

// A text with what was searched for marked; words of its own direction stay in their place.
function words(tag, classes, text) {
  const element = make(tag, `words ${classes}`.trim());
  element.dir = "auto";
  const pieces = sought.pattern ? text.split(sought.pattern) : [text];
  pieces.forEach((piece, i) => { if (piece) element.append(i % 2 ? make("mark", "", piece) : piece); });
  return element;
}

// The words of the search, all of which are to be found, and how each is marked.
const sought = { words: [], pattern: null };

function readSearch() {
  sought.words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const escaped = sought.words.map((word) => word.replace(/[\\^$.*+?()[\]{}|\/]/g, "\\$&"));
  sought.pattern = escaped.length ? new RegExp(`(${escaped.join("|")})`, "giu") : null;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || !byId("search") || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  byId("search").focus();
});
