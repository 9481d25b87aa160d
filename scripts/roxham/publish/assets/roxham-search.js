// The briefs say the same words in dozens of pages: one comes before the rest of the book only where its title is
// what was asked for. All but `score` is as Sphinx has it.
var Scorer = {
  score: ([page, , , , score]) => (page.startsWith("chapters/briefs/") ? score - 6 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
