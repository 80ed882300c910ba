// Steers a real Chromium for a test: a command a line comes in as JSON, and its result goes out
// so. Ends with its input.
//
//     node driver.mjs PLAYWRIGHT CHROMIUM

import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const [playwright, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(playwright);

const browser = await chromium.launch({ executablePath });
// The server's certificate is its own, as a person would have to confirm.
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const page = await context.newPage();
const complaints = [];
page.on("console", (message) => {
  if (message.type() === "error") {
    complaints.push(message.text());
  }
});
page.on("pageerror", (error) => complaints.push(String(error)));

const commands = {
  async open({ url, width, height }) {
    await page.setViewportSize({ width, height });
    // A link that differs behind `#` alone would not be loaded again.
    await page.goto("about:blank");
    await page.goto(url);
  },
  async resize({ width, height }) { await page.setViewportSize({ width, height }); },
  async text({ selector }) { return await page.innerText(selector); },
  async attribute({ selector, name }) { return await page.getAttribute(selector, name); },
  async value({ selector }) { return await page.inputValue(selector); },
  async fill({ selector, value }) { await page.fill(selector, value); },
  async select({ selector, value }) { await page.selectOption(selector, value); },
  async click({ selector }) { await page.click(selector); },
  async check({ selector, value }) { await page.setChecked(selector, value); },
  async point({ x, y }) { await page.mouse.click(x, y); },
  async type({ text }) { await page.keyboard.type(text); },
  async press({ key }) { await page.keyboard.press(key); },
  async address() { return page.url(); },
  async evaluate({ script }) { return await page.evaluate(script); },
  async screenshot({ path }) { await page.screenshot({ path }); },
  async offline({ value }) { await context.setOffline(value); },
  async complaints() { return complaints.splice(0); },
  // The pixels of the viewer's canvas, whatever its size in the window.
  async picture() {
    return await page.evaluate(() => {
      const canvas = document.querySelector("#screen canvas");
      if (canvas === null || canvas.width === 0) {
        return null;
      }
      const { width, height } = canvas;
      const bytes = canvas.getContext("2d").getImageData(0, 0, width, height).data;
      let text = "";
      for (let i = 0; i < bytes.length; i += 8192) {
        text += String.fromCharCode(...bytes.subarray(i, i + 8192));
      }
      return { width, height, rgba: btoa(text) };
    });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await commands[command](options)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
