import { expect, it } from 'vitest';
import { makeInput } from './fuzz/mutate.ts';
import { NodeHttpView } from './fuzz/node-http.ts';
import { randomFrom } from './fuzz/random.ts';

it('the fuzz sees of node:http without sockets what a socket would show', async () => {
  const node = new NodeHttpView();
  const inputs = Array.from({ length: 300 }, (_, seed) => makeInput(randomFrom(seed)));
  const without = await node.parseAll(inputs);
  for (const [index, input] of inputs.entries()) {
    expect(await node.parseOverSocket(input), JSON.stringify(input.toString('latin1'))).toEqual(
      without[index],
    );
  }
  node.close();
});
