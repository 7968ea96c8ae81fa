"""A data-set card as the Hub shows it: Markdown of GitHub's kind, cleaned, in a column of a page.

What the Hub does is known from its cards and from GitHub, whose habits it follows: tables and raw
HTML are Markdown, what could act is taken out, the paths of images lead to `resolve/main`, each
table scrolls in a box of its own. A picture is served as such only to `<img>`, under a policy that
lets it load nothing (hub-docs, pull request 1481). Its style sheet begins with a reset that makes
images blocks; ours does so too.
"""

import mimetypes
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

HUB = "https://hub.example/datasets/org/set"
POLICY = "default-src 'none'; sandbox"

STYLE = """
*{box-sizing:border-box} body{margin:0} img{display:block;max-width:100%;height:auto}
html{font:16px/1.75 system-ui,sans-serif;color:#374151;background:#fff;overflow-wrap:break-word}
html.dark{color:#d1d5db;background:#0b0f19}
main{width:100%;max-width:700px;padding:24px 16px}
@media(min-width:1024px){main{padding:24px 0;margin-left:64px}}
a{color:inherit;font-weight:500} h1,h2,h3{line-height:1.35;color:#111827}
.dark h1,.dark h2,.dark h3,.dark b,.dark strong,.dark th{color:#f3f4f6}
h2{margin-top:2em;padding-bottom:.3em;border-bottom:1px solid #e5e7eb}
.dark h2{border-color:#1f2937}
code{font:600 .875em ui-monospace,monospace}
pre{overflow-x:auto;padding:12px 16px;border-radius:8px;background:#f3f4f6;line-height:1.6}
.dark pre{background:#1f2937} pre code{font-weight:400}
.box{max-width:100%;overflow:auto} table{border-collapse:collapse;font-size:.875em;margin:1em 0}
th,td{padding:.4em .7em;border:1px solid #e5e7eb;vertical-align:top} th{text-align:left}
.dark th,.dark td{border-color:#374151}
blockquote{margin:1em 0;padding-left:1em;border-left:4px solid #e5e7eb;font-style:italic}
.dark blockquote{border-color:#374151} details{margin:.75em 0} summary{cursor:pointer}
li{margin:.3em 0} ul{padding-left:1.4em}
"""

CLEAN = """([html, styles]) => {
  const elements = new Set(`a b blockquote br code del details div em h1 h2 h3 h4 h5 h6 hr i img
    li ol p picture pre s source span strong sub summary sup table tbody td th thead tr
    ul`.split(/\\s+/));
  const attributes = new Set(`align alt dir height href open src title width`.split(/\\s+/));
  if (styles) attributes.add("style");
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const element of template.content.querySelectorAll("*")) {
    if (!elements.has(element.localName)) { element.remove(); continue; }
    for (const { name } of [...element.attributes])
      if (!attributes.has(name)) element.removeAttribute(name);
    for (const name of ["href", "src"]) {
      const value = element.getAttribute(name);
      if (value === null) continue;
      if (/^\\s*(?!https?:)[a-z][a-z0-9+.-]*:/i.test(value)) element.removeAttribute(name);
      else if (!/^(https?:|#|\\/)/.test(value))
        element.setAttribute(name, `ROOT/${name === "src" ? "resolve" : "blob"}/main/${value}`);
    }
  }
  for (const table of template.content.querySelectorAll("table")) {
    const box = document.createElement("div");
    box.className = "box";
    table.replaceWith(box);
    box.append(table);
  }
  document.querySelector("main").append(template.content);
}""".replace("ROOT", HUB)


def markdown(text):
    """The HTML of a card's Markdown, as it comes: whatever is HTML in it stays."""
    body = text.split("\n---\n", 1)[1] if text.startswith("---\n") else text
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(body)


def frame(theme, inside=""):
    """The page around a card, in the theme that its reader chose on it."""
    return (
        f'<!doctype html><html class="{theme}"><meta charset="utf-8"><title>card</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><main>{inside}</main></html>"
    )


def serve(context, folder):
    """Answer a browser's requests to `HUB` from a release, and refuse all others."""
    refused = []

    def answer(route):
        path = unquote(urlsplit(route.request.url).path)
        name = path.removeprefix(f"{urlsplit(HUB).path}/resolve/main/")
        if route.request.url == HUB:
            route.fulfill(body="<!doctype html>", content_type="text/html")
        elif name != path and (folder / name).is_file():
            kind = mimetypes.guess_type(name)[0]
            headers = {"content-security-policy": POLICY, "content-type": kind}
            route.fulfill(body=(folder / name).read_bytes(), headers=headers)
        else:
            refused.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    return refused


def show(page, folder, theme="light", *, clean=True, styles=True):
    """Open the card of a release. `clean=False`: as if nothing were taken out of it.

    `styles=False`: as if a Hub took the attributes `style` out too.
    """
    html = markdown((folder / "README.md").read_text(encoding="utf-8"))
    page.goto(HUB)
    page.set_content(frame(theme, "" if clean else html))
    if clean:
        page.evaluate(CLEAN, [html, styles])
    page.wait_for_function("[...document.images].every(image => image.complete)")
