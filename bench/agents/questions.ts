/** Questions of fact whose answer is yes or no, ten of each, and how an answer is read. */
export const QUESTIONS: readonly (readonly [question: string, answer: 'yes' | 'no'])[] = [
  ['Is a tomato a fruit?', 'yes'],
  ['Is Sydney the capital of Australia?', 'no'],
  ['Does water boil at 100 degrees Celsius at sea level?', 'yes'],
  ['Is the sun a planet?', 'no'],
  ['Is Tokyo in Japan?', 'yes'],
  ['Do penguins live at the North Pole in the wild?', 'no'],
  ['Is a whale a mammal?', 'yes'],
  ['Did the Second World War end in 1952?', 'no'],
  ['Is 17 a prime number?', 'yes'],
  ['Is a spider an insect?', 'no'],
  ['Is gold a metal?', 'yes'],
  ['Is the Great Wall of China in India?', 'no'],
  ['Do plants take in carbon dioxide?', 'yes'],
  ['Is 21 a prime number?', 'no'],
  ['Was Shakespeare an English writer?', 'yes'],
  ['Is the moon larger than the Earth?', 'no'],
  ['Is Mount Everest in the Himalayas?', 'yes'],
  ['Does a triangle have four sides?', 'no'],
  ['Is ice lighter than liquid water of the same volume?', 'yes'],
  ['Is French the official language of Brazil?', 'no'],
];

/** The first yes or no of an answer. */
export function saidIn(answer: string): 'yes' | 'no' | undefined {
  const [, word] = /\b(yes|no)\b/i.exec(answer) ?? [];
  return word === undefined ? undefined : word.toLowerCase() === 'yes' ? 'yes' : 'no';
}
