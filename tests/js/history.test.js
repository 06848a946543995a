import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { keepOneEntryAPage } from '../../ui/components/shared/history.js';

let entries;

beforeEach(() => {
  entries = ['http://class.example/base/'];
  const set = url => { globalThis.location = new URL(url, globalThis.location.href); };
  globalThis.location = new URL(entries[0]);
  globalThis.history = {
    pushState: (_state, _unused, url) => { set(url); entries.push(globalThis.location.href); },
    replaceState: (_state, _unused, url) => { set(url); entries[entries.length - 1] = globalThis.location.href; },
  };
  keepOneEntryAPage();
  keepOneEntryAPage(); // a second component
});

test('settings replace the address of their page', () => {
  globalThis.history.pushState({}, '', '/base/?hidden=3');
  globalThis.history.pushState({}, '', '?hidden=4');
  globalThis.history.pushState({}, '', '/base/');
  assert.deepEqual(entries, ['http://class.example/base/']);
});

test('another page adds an entry', () => {
  globalThis.history.pushState({}, '', '/base/help');
  globalThis.history.pushState({}, '', '/base/help?hidden=3');
  globalThis.history.pushState({}, '', '/base/?hidden=3');
  assert.deepEqual(entries.slice(1), ['http://class.example/base/help?hidden=3', 'http://class.example/base/?hidden=3']);
});
