// Some hundreds of small pages, each of which tries to run a script in its own way. RUN stands for what it would do: say so in
// the console, touch the window around it, and call home.

const ATTRIBUTE = 'data:text/html,RUN';
const IN_URL = 'javascript:RUN';

// Elements that run a handler without anybody touching them.
const HANDLERS = [
  ...['<img src=x: onerror=RUN>', '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" onload=RUN>', '<image src=x: onerror=RUN>'],
  ...['<svg onload=RUN>', '<svg><image href=x: onerror=RUN>', '<svg><animate onbegin=RUN attributeName=x dur=1s>', '<svg><set onbegin=RUN attributeName=x>'],
  ...['<svg><script>RUN</script></svg>', '<svg><style onload=RUN></style></svg>', '<svg/onload=RUN//', '<svg><g onload=RUN>'],
  ...['<body onload=RUN>', '<body onpageshow=RUN>', '<body onfocus=RUN>', '<frameset onload=RUN>', '<html onload=RUN>'],
  ...['<video onerror=RUN src=x:>', '<video><source onerror=RUN src=x:></video>', '<audio onerror=RUN src=x:>', '<video oncanplay=RUN src=x: poster=x:>'],
  ...['<input autofocus onfocus=RUN>', '<select autofocus onfocus=RUN>', '<textarea autofocus onfocus=RUN></textarea>', '<button autofocus onfocus=RUN>b</button>'],
  ...['<a href=# autofocus onfocus=RUN>a</a>', '<div tabindex=0 autofocus onfocus=RUN>d</div>', '<details open ontoggle=RUN>d</details>', '<p contenteditable autofocus onfocus=RUN>e</p>'],
  ...['<style onload=RUN></style>', '<style>@keyframes k{}</style><b style="animation:k 1ms" onanimationend=RUN>b</b>', '<style>@keyframes k{}</style><b style="animation:k 1ms" onanimationstart=RUN>b</b>'],
  ...['<link rel=stylesheet href="data:text/css," onload=RUN>', '<link rel=stylesheet href=x: onerror=RUN>', '<script src=x: onerror=RUN></script>', '<script src="data:text/javascript,1" onload=RUN></script>'],
  ...['<iframe onload=RUN></iframe>', '<iframe srcdoc=x onload=RUN></iframe>', '<object data=x: onerror=RUN></object>', '<embed src=x: onerror=RUN>', '<marquee onstart=RUN>m</marquee>'],
  ...['<math><mtext><img src=x: onerror=RUN></mtext></math>', '<table><tr><td background=x:><img src=x: onerror=RUN>', '<template><p></template><img src=x: onerror=RUN>'],
];

const SCRIPTS = [
  ...['<script>RUN</script>', '<SCRIPT>RUN</SCRIPT>', '<script/x>RUN</script>', '<script\n>RUN</script >', '<script type=module>RUN</script>', '<script type="text/javascript;x">RUN</script>'],
  ...['<script async>RUN</script>', '<script defer src="data:text/javascript,RUN"></script>', '<script src="data:,RUN"></script>', '<script nonce=x>RUN</script>', '<script language=jscript>RUN</script>'],
  ...['<script><!--\nRUN\n//--></script>', '<script>//<![CDATA[\nRUN\n//]]></script>', '<script>/*</title>*/RUN</script>', '<math><script>RUN</script></math>', '<svg><script href="data:text/javascript,RUN"/></svg>'],
  ...['<svg><script>&#82;UN</script></svg>'.replace('&#82;UN', 'RUN'), '<svg><script xlink:href="data:text/javascript,RUN"/></svg>', '<p><script>RUN</script>', '<table><script>RUN</script></table>', '<select><script>RUN</script></select>'],
  ...['<script type=importmap>{"imports":{"x":"data:text/javascript,RUN"}}</script><script type=module>import "x"</script>', '<script>setTimeout("RUN")</script>', '<script>eval("RUN")</script>', '<script>new Function("RUN")()</script>'],
  ...['<script>Promise.resolve().then(() => {RUN})</script>', '<script>document.write("<script>RUN<\\/script>")</script>', '<script>document.body.innerHTML = "<img src=x: onerror=RUN>"</script>', '<script>onmessage = () => {RUN}; postMessage(1, "*")</script>'],
  ...['<script>new Worker(URL.createObjectURL(new Blob(["postMessage(1)"]))).onmessage = () => {RUN}</script>', '<script>location.hash = "x"; onhashchange = () => {RUN}</script>', '<script>history.pushState(1, ""); RUN</script>'],
  ...['<script>Object.defineProperty(Object.prototype, "html", { get() { RUN } })</script>', '<script>location = "javascript:RUN"</script>', '<script>open("javascript:RUN", "_self")</script>', '<script>import("data:text/javascript,RUN")</script>'],
];

// Breaking out of what surrounds them, in ways that parsers have disagreed about.
const INSIDE = '<img src=x: onerror=RUN>';
const BREAKS = [
  ...['</title>', '</textarea>', '</style>', '</script>', '</noscript>', '</xmp>', '</iframe>', '</noembed>', '</noframes>', '</template>', '-->', '--!>', ']]>', '"></a>', "'></a>", '</html></body>'].map((end) => end + INSIDE),
  ...['<title></title>', '<textarea></textarea>', '<style></style>', '<xmp></xmp>', '<noembed></noembed>', '<noframes></noframes>', '<select></select>', '<plaintex>', '<?xml ?>', '<!-->', '<!--->', '<!-- --!>', '<![CDATA[>]]>', '<!x>'].map((start) => start + INSIDE),
  ...['<noscript><p title="</noscript>', '<style><a title="</style>', '<math><mtext><table><mglyph><style><!--</style>', '<svg><p><style><a title="</style>', '<form><math><mtext></form><form><mglyph><style></math>', '<svg></p><style><a id="</style>', '<math><annotation-xml encoding="text/html"><style>', '<svg><foreignObject><math><mi><style></style>', '<svg><title><style>', '<table><caption><svg><desc>'].map((start) => start + INSIDE),
  ...['<img src=x: onerror\n=RUN>', '<img src=x:\fonerror=RUN>', '<img/src=x:/onerror=RUN>', "<img src='x:'onerror='RUN'>", '<img src="x:"onerror="RUN">', '<img src=`x:` onerror=RUN>', '<img src=x: onerror=RUN//', '<img src=x: ONERROR=RUN>', '<img src=x: OnErRoR="&#32;RUN">', '<img src=x: title="a>b" onerror=RUN>', '<<img src=x: onerror=RUN>', '<img src=x: onerror=RUN', '<x/><img src=x: onerror=RUN>'],
];

// These want a click, which the test gives them.
const CLICKED = [
  ...['javascript:', 'JaVaScRiPt:', 'java\tscript:', 'java\nscript:', ' javascript:', '\u0001javascript:', 'javascript&colon;', 'java&Tab;script:', 'java&NewLine;script:', '&#106;avascript:', '&#x6A;avascript&#58;', 'javascript://%0a'].map((scheme) => `<a href="${scheme}RUN">a</a>`),
  ...[`<a href="${IN_URL}" target=_blank>a</a>`, `<a href="${IN_URL}" target=_top>a</a>`, `<a href="${IN_URL}" target=_parent>a</a>`, `<svg><a href="${IN_URL}"><text y=20>a</text></a></svg>`, `<svg><a xlink:href="${IN_URL}"><text y=20>a</text></a></svg>`, `<math><a href="${IN_URL}">a</a></math>`],
  ...[`<form action="${IN_URL}"><button>b</button></form>`, `<form><button formaction="${IN_URL}">b</button></form>`, `<form id=f action="${IN_URL}"></form><button form=f>b</button>`, `<input type=submit formaction="${IN_URL}" form=f><form id=f></form>`, `<map name=m><area href="${IN_URL}" shape=default></map>`],
  ...['<button onclick=RUN>b</button>', '<a onclick=RUN href=#>a</a>', '<summary onclick=RUN>s</summary>', '<label onclick=RUN>l<input></label>', '<button popovertarget=p>b</button><p popover id=p onbeforetoggle=RUN>p', '<dialog open><form method=dialog><button onclick=RUN>b</button></form></dialog>'],
  ...[`<a href="${ATTRIBUTE}">a</a>`, `<a href="${ATTRIBUTE}" target=_blank>a</a>`, `<a href="${ATTRIBUTE}" target=_top>a</a>`, `<a href="${ATTRIBUTE}" download>a</a>`],
];

const ELSEWHERE = [
  ...['iframe src', 'frame src', 'object data', 'embed src', 'link rel=import href', 'link rel=stylesheet href', 'img src', 'video src', 'audio src', 'input type=image src', 'body background', 'base href'].flatMap((element) => [`<${element}="${IN_URL}">`, `<${element}="${ATTRIBUTE.replace('RUN', '<script>RUN</script>')}">`]),
  ...['<iframe srcdoc="<script>RUN</script>"></iframe>', '<iframe srcdoc="<img src=x: onerror=RUN>"></iframe>', '<iframe srcdoc="&lt;script&gt;RUN&lt;/script&gt;" sandbox="allow-scripts allow-same-origin"></iframe>', '<iframe name=RUN src="javascript:eval(name)"></iframe>', '<portal src="javascript:RUN"></portal>', '<fencedframe src="data:text/html,<script>RUN</script>"></fencedframe>'],
  ...['<meta http-equiv=refresh content="0;url=javascript:RUN">', '<meta http-equiv=refresh content="0;url=data:text/html,<script>RUN</script>">', '<meta http-equiv=Content-Security-Policy content="script-src *"><script>RUN</script>', '<meta http-equiv=set-cookie content="a=RUN">', '<meta charset=utf-7>+ADw-script+AD4-RUN+ADw-/script+AD4-'],
  ...['<style>@import "javascript:RUN"</style>', '<b style="background:url(javascript:RUN)">b</b>', '<b style="width:expression(RUN)">b</b>', '<b style="behavior:url(#default#RUN)">b</b>', '<style>*{-moz-binding:url(data:text/xml,RUN)}</style>', '<style></style><script>RUN</script>'],
  ...['<object type="text/html" data="data:text/html,<script>RUN</script>"></object>', '<embed type="image/svg+xml" src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' onload=\'RUN\'/>">', '<img src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' onload=\'RUN\'/>">', '<svg><use href="data:image/svg+xml,<svg id=x xmlns=\'http://www.w3.org/2000/svg\'><script>RUN</script></svg>#x"/></svg>'],
];

const all = [HANDLERS, SCRIPTS, BREAKS, CLICKED, ELSEWHERE].flat();

// With what RUN stands for, safe in attributes with and without quotes, in URLs and in scripts.
const filled = (payload, i) => payload.replaceAll('RUN', `console.log(/ran/.source+${i}),top.pwned=${i}`);

// Shown as HTML: they begin like it.
export const documents = all.map((payload, i) => filled(`<!doctype html><title>p</title>${payload}`, i));

// The same within Markdown, where raw HTML is text, and what Markdown has of its own.
const OWN = [
  ...['[a](javascript:RUN)', '[a](<javascript:RUN>)', '[a](JAVASCRIPT:RUN)', '[a](java&#115;cript:RUN)', '[a](javascript&colon;RUN)', '[a](%6aavascript:RUN)', '[a](data:text/html,<script>RUN</script>)', '[a](vbscript:RUN)'],
  ...['![a](javascript:RUN)', '![a](x:"onerror="RUN)', '![a"onerror="RUN](x:)', '![a](x: "x\\"onerror=\\"RUN")', '[a](x "y\\" onclick=RUN z=\\"")', '<javascript:RUN>', '<x:RUN>', '[a]: javascript:RUN\n\n[a]', '[a]: <javascript:RUN> "t"\n\n![a]'],
  ...['```html\n<script>RUN</script>\n```', '``` "><script>RUN</script>\nx\n```', '~~~ onclick=RUN\nx\n~~~', '| <script>RUN</script> |\n|---|\n| <img src=x: onerror=RUN> |', '[^1]\n\n[^1]: <script>RUN</script>', '[^"onclick="RUN]\n\n[^"onclick="RUN]: x', '- [x] <img src=x: onerror=RUN>', '# <script>RUN</script>', '# a</title><script>RUN</script>', '<style>*{}</style><script>RUN</script>', 'a `</code><script>RUN</script>` b', '&lt;script&gt;RUN&lt;/script&gt;', '\\<script>RUN</script>', 'https://x.example/"onclick="RUN', 'www.x.example/<script>RUN</script>'],
];
export const markdown = [...OWN, ...all].map((payload, i) => filled(`# p\n\n${payload}\n`, i));

// Pictures, which are no documents of their own.
export const pictures = ['onload="RUN"', 'onclick="RUN"'].map((attribute, i) =>
  filled(`<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" ${attribute}><script>RUN</script><foreignObject width="20" height="20"><img xmlns="http://www.w3.org/1999/xhtml" src="x:" onerror="RUN"/></foreignObject><a href="javascript:RUN"><rect width="20" height="20"/></a></svg>`, i),
);
