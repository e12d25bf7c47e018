export default {
  compilerOptions: {
    runes: true,
    // Trees instead of markup: nothing is parsed from a text, as Trusted Types ask.
    fragments: 'tree',
  },
};
