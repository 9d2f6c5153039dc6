// The bot's tests. Each has a world of its own, so that they can run in parallel.

import { describe, expect } from "vitest";
import { Rooms } from "./rooms.mjs";
import { test } from "./world.mjs";

const LINK = "im.v1.chat_tab.create";
const rooms = (world) => new Rooms(world.app_id, world.app_secret, world.url);

describe.concurrent("rooms", () => {
  test("a room has its people, and a manager", async ({ world }) => {
    const bot = rooms(world);
    const [ada, ben] = world.people;
    const room = await bot.open("Apollo", [ada, ben]);
    expect(await bot.show(room)).toMatchObject({ name: "Apollo", user_count: "2", bot_count: "1" });
    expect(await bot.promote(room, ben)).toEqual([ben]);
    expect((await bot.show(room)).user_manager_id_list).toEqual([ben]);
  });

  test("a label is made once", async ({ world }) => {
    const bot = rooms(world);
    const [first, second] = [await bot.open("Apollo"), await bot.open("Gemini")];
    expect(await bot.label(first, "space")).toBe(await bot.label(second, "space"));
    expect(await bot.labels(second)).toEqual(["space"]);
  });

  test("the bot waits and tries again", async ({ world }) => {
    const bot = rooms(world);
    const room = await bot.open("Apollo");
    await world.refuse(LINK, 99991400);
    expect((await bot.link(room, "Plan", "https://example.com/plan")).slice(1)).toEqual(["Plan"]);
    await world.check({ operation: LINK }, { exactly: 2 });
    await world.refuse(LINK, 99991400, 2);
    await expect(bot.link(room, "Budget", "https://example.com/budget")).rejects.toMatchObject({ code: 99991400 });
    await world.check({ operation: LINK, outcome: "injected" }, { exactly: 3 });
    await world.check({ operation: LINK }, { exactly: 4 });
  });

  test("a scope that was taken away is named", async ({ world }) => {
    const bot = rooms(world);
    const room = await bot.open("Apollo");
    await world.scopes("im:chat:read");
    const refused = await bot.link(room, "Plan", "https://example.com/plan").catch((error) => error);
    expect(refused).toMatchObject({ code: 99991672, scopes: expect.arrayContaining(["im:chat.tabs:write_only"]) });
    expect(refused.logId).toMatch(/^\d{14}/);
    await world.check({ operation: LINK, code: 99991672 }, { exactly: 1 });
  });

  test("a token ends", async ({ world }) => {
    const bot = rooms(world);
    const room = await bot.open("Apollo");
    await world.hoursPass(2);
    await expect(bot.show(room)).rejects.toMatchObject({ code: 99991663 });
    await world.forgetTokens();
    expect((await bot.show(room)).name).toBe("Apollo");
  });
});
