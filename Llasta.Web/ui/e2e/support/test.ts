import { test as base, expect, type BrowserContext } from "@playwright/test";
import { Chat } from "./chat.ts";
import { ScriptedModel } from "./scriptedModel.ts";
import { type Program, Service } from "./service.ts";
import { ModelControl, plainModel } from "./modelControl.ts";

interface Watched {
  /** URLs of other origins than the page's that the browser requested. */
  readonly strangers: string[];
  /** Violations of the content security policy or Trusted Types, and uncaught errors. */
  readonly complaints: string[];
}

interface WorkerFixtures {
  readonly sim: Service;
  readonly web: Service;
  readonly scripted: { readonly model: ScriptedModel; readonly web: Service };
}

interface TestFixtures {
  /** In every test: no request leaves the page's origin, no policy is violated, no error is uncaught. */
  readonly watched: Watched;
  /** The simulator's control; a test begins with plain settings and no recorded requests. */
  readonly model: ModelControl;
  /** The page in front of the simulator. */
  readonly chat: Chat;
  /** Starts one of our programs for this test alone. */
  readonly start: (program: Program, settings?: Record<string, string | number>) => Promise<Service>;
  /** The page in front of a model that answers only what the test says. */
  readonly script: { readonly chat: Chat; readonly model: ScriptedModel };
}

/** Tests that start no Chromium of their own. */
export const withServices = base.extend<object, WorkerFixtures>({
  sim: [
    async ({}, use) => {
      const server = await Service.start("Llasta.ModelSim");
      await use(server);
      await server.end();
    },
    { scope: "worker" },
  ],

  web: [
    async ({ sim }, use) => {
      const server = await Service.start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
      await use(server);
      await server.end();
    },
    { scope: "worker" },
  ],

  scripted: [
    async ({}, use) => {
      const model = await ScriptedModel.start();
      const web = await Service.start("Llasta.Web", { OPENAI_API_BASE_URL: `${model.url}/v1` });
      await use({ model, web });
      await web.end();
      await model.stop();
    },
    { scope: "worker" },
  ],
});

export const test = withServices.extend<TestFixtures>({
  watched: [
    async ({ context }, use) => {
      const watched = await watch(context);
      await use(watched);
      expect(watched.strangers, "requests that left the page's origin").toEqual([]);
      expect(watched.complaints, "what the browser complained of").toEqual([]);
    },
    { auto: true },
  ],

  model: async ({ sim }, use) => {
    const model = new ModelControl(sim);
    await model.set(plainModel);
    await model.clear();
    await use(model);
  },

  chat: async ({ page, web, model }, use) => {
    void model;
    const chat = new Chat(page);
    await chat.open(web.url);
    await use(chat);
  },

  start: async ({}, use) => {
    const servers: Service[] = [];
    await use(async (program, settings) => {
      const server = await Service.start(program, settings);
      servers.push(server);
      return server;
    });
    await Promise.all(servers.map((server) => server.end()));
  },

  script: async ({ page, scripted }, use) => {
    const chat = new Chat(page);
    await chat.open(scripted.web.url);
    await use({ chat, model: scripted.model });
  },
});

async function watch(context: BrowserContext): Promise<Watched> {
  const watched: Watched = { strangers: [], complaints: [] };
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    const own = request.frame().url();
    if (protocol === "data:" || protocol === "blob:") return;
    if (
      request.isNavigationRequest() || own === "about:blank"
        ? !/^(127\.0\.0\.1|chat\.example)$/.test(new URL(request.url()).hostname)
        : origin !== new URL(own).origin
    )
      watched.strangers.push(request.url());
  });
  context.on("weberror", (error) => watched.complaints.push(String(error.error())));
  await context.exposeFunction("complain", (text: string) => watched.complaints.push(text));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
      (window as unknown as { complain(text: string): void }).complain(`${violatedDirective} ${blockedURI} ${sample}`),
    );
  });
  return watched;
}

export { expect } from "@playwright/test";
export { Chat } from "./chat.ts";
