// The ways to name a page to somebody else. Pure.

const hexToBase64Url = (hash) =>
  btoa(String.fromCharCode(...hash.match(/../g).map((pair) => Number.parseInt(pair, 16))))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

/**
 * @param {string} hash 64 hexadecimal digits
 * @returns {string} the page's name without any server (RFC 6920, section 3)
 */
export const niName = (hash) => `ni:///sha-256;${hexToBase64Url(hash)}`;

/**
 * @param {string} link
 * @param {boolean} has_label whether the content begins in the second line
 * @returns {string} a command that prints the content
 */
export const curlLine = (link, has_label) => `curl -s ${link}${has_label ? " | tail -n +2" : ""}`;

/**
 * A QR code as the `d` of an SVG path, one unit for each module.
 * @param {boolean[][]} modules rows of dark modules
 * @returns {string}
 */
export function qrPath(modules) {
  return modules
    .map((row, y) => {
      const runs = [];
      for (let x = 0; x < row.length; x++) {
        if (!row[x]) continue;
        const from = x;
        while (row[x + 1]) x++;
        runs.push(`M${from} ${y}h${x - from + 1}v1H${from}z`);
      }
      return runs.join("");
    })
    .join("");
}
