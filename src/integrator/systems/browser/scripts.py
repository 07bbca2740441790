"""What is asked of a page in its own language: one question for all ways of finding an element, instead of many."""

# Displayed as a person sees it. Not selenium's own test: that costs a call per element, and a list has hundreds.
FIND = """
const [ways, within, most] = arguments;
const seen = {checkOpacity: true, checkVisibilityCSS: true};
function shown(one) {
  if (getComputedStyle(one).display !== 'contents') {
    if (!one.checkVisibility(seen)) return false;
    const box = one.getBoundingClientRect();
    if (box.width > 0 && box.height > 0) return true;
  }
  return Array.prototype.some.call(one.children, shown);
}
function find(by, what) {
  const root = within || document, found = [];
  if (by !== 'xpath') return Array.prototype.slice.call(root.querySelectorAll(what));
  const all = document.evaluate(what, root, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
  for (let at = 0; at < all.snapshotLength; at++) found.push(all.snapshotItem(at));
  return found;
}
for (const [by, what] of ways) {
  const found = [];
  let all;
  try { all = find(by, what); } catch (error) {
    if (error.name !== 'SyntaxError') throw error;
    return what;
  }
  for (const one of all) {
    if (shown(one)) found.push(one);
    if (most && found.length === most) return found;
  }
  if (found.length) return found;
}
return [];
"""

ENABLED = "return !arguments[0].matches(':disabled') && arguments[0].getAttribute('aria-disabled') !== 'true'"

SCROLL = "arguments[0].scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'})"

SELECT = """
const field = arguments[0];
field.focus();
if (field.select) field.select();
else if (field.isContentEditable) getSelection().selectAllChildren(field);
"""

INSERT = "arguments[0].focus(); document.execCommand('insertText', false, arguments[1])"

# What can be read in a picture of this document, and whether a filled field of it is a password that shows.
READABLE = """
const fields = Array.prototype.slice.call(document.querySelectorAll('input, textarea'));
const open = fields.filter((one) => one.type !== 'password' && one.type !== 'hidden' && one.value);
const named = (one) => [one.name, one.id, one.autocomplete, one.placeholder, one.getAttribute('aria-label'),
  one.getAttribute('formcontrolname'), ...Array.prototype.map.call(one.labels || [], (label) => label.textContent)];
const tells = /passw|pwd|adgangskode|kodeord|engangskode/i;
const bare = open.some((one) => named(one).some((name) => tells.test(name || '')));
const seen = document.body ? document.body.innerText : '';
return [document.URL, document.title, [seen, ...open.map((one) => one.value)].join('\\n'), bare];
"""
