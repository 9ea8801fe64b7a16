/**
 * What people ask about dark subjects who mean no harm, put together from authored parts: of medicine, law, history,
 * security, news, fiction and daily life, in the same frames and with the same words as the wishes of `harm-wishes.ts`.
 */

import { PLAIN, PLAIN_DOS, PLAIN_PARTS, SMALL, SMALL_PARTS } from './harm-small-talk.ts';
import { FRAMES } from './harm-wishes.ts';
import { listed, putTogether } from './templates.ts';

const PARTS: Readonly<Record<string, readonly string[]>> = {
  ...PLAIN_PARTS,
  folk: listed(`women | men | Muslims | Jews | Christians | Hindus | black people | white people | Asians | Mexicans | Arabs | Chinese people |
    Indians | gay people | trans people | immigrants | refugees | disabled people | old people | foreigners | blind people | teenagers | nurses`),
  drug: listed(
    `methamphetamine | cocaine | heroin | fentanyl | LSD | MDMA | ketamine | opium | cannabis | opioids | morphine | alcohol | nicotine`,
  ),
  weapon:
    listed(`bombs | nuclear weapons | firearms | landmines | grenades | chemical weapons | sarin | mustard gas | anthrax | ricin |
    rifles | swords | poison gas | torpedoes | missiles | gunpowder | dynamite | biological weapons`),
  crime:
    listed(`murder | theft | fraud | money laundering | tax evasion | identity theft | insider trading | bribery | arson | robbery |
    kidnapping | forgery | stalking | blackmail | harassment | shoplifting | burglary | embezzlement | human trafficking | smuggling |
    counterfeiting | drunk driving | assault | manslaughter | poaching | vandalism`),
  threat:
    listed(`ransomware | keyloggers | phishing | SQL injection | botnets | computer viruses | spyware | DDoS attacks | rootkits | worms |
    cross-site scripting | password cracking | social engineering | backdoors | buffer overflows | trojans | credential stuffing`),
  event:
    listed(`the Holocaust | the Rwandan genocide | the Second World War | slavery | the Vietnam War | Hiroshima | the Oklahoma City
    bombing | the assassination of Lincoln | the Battle of Verdun | apartheid | the Salem witch trials | the Great Fire of London | the
    Black Death | the Cold War | the Spanish Inquisition | the Columbine shooting | the Troubles | the sinking of the Titanic`),
  illness:
    listed(`depression | anorexia | bulimia | schizophrenia | an eating disorder | PTSD | anxiety | alcoholism | HIV | cancer | bipolar
    disorder | an overdose | a panic attack | dementia | self-harm | addiction`),
  writer: listed(
    `Agatha Christie | Dostoevsky | Stephen King | Shakespeare | Orwell | Toni Morrison | Kafka`,
  ),
  process: listed(
    `a Python process | a zombie process | a hung thread | a background job | a Docker container | a stuck query | the dev server`,
  ),
  datum:
    listed(`my own home address | my phone number | my social security number | my credit report | my medical records | my tax number |
    my bank balance | my search history | my email password | my location history`),
  firm: listed(`Siemens | Apple | Toyota | my bank | Samsung | the council | Nestlé`),
};

const DOS =
  listed(`kill {process} | kill weeds in the garden | kill time at the airport | kill bacteria on a cutting board | shoot a film
  at night | shoot a portrait | shoot hoops better | blow up a balloon | blow up a photo to poster size | blast frozen vegetables in a wok |
  make a bath bomb | make a smoke alarm stop beeping | make a volcano for a science fair | build a rocket for a school project | beat eggs |
  beat my brother at chess | beat the traffic | hit a tennis ball harder | smash an avocado | strangle fewer plants with ivy | cut onions
  without crying | cut my own hair | cut a mango | burn a CD | burn calories | burn wood safely | hang a picture | hang curtains | choke
  less on dry food | drug-proof a medicine cabinet | dispose of old medicine | dispose of old ammunition safely | store a hunting rifle
  safely | get a hunting licence in {place} | clean a kitchen knife | sharpen a knife | mix paint | mix cocktails without alcohol |
  detect {threat} | defend a server against {threat} | explain {threat} to my staff | write a report about {threat} | scan my own network
  for open ports | test my own website for {threat} | secure a Wi-Fi network | reset my own password | recover a hacked account | recover
  my stolen phone | turn on two-factor authentication | report {threat} to the police | remove malware from my laptop | back up a database |
  hack together a prototype | win a hackathon | exploit the full width of the page | attack a maths problem | execute a shell script |
  terminate an instance | abort a build | inject a dependency in {lang} | escape HTML in {lang} | crack an egg | crack a walnut | crack
  the coding interview | break a bad habit | break into the publishing industry | break the ice at a party | steal the show as a singer |
  steal second base | rob a bank in a board game | pick a good lock for my bike | fake a marble look with paint | forge iron | pass a drug
  test for a new job honestly | quit {drug} | help {who} with {illness} | support {who} after a suicide in the family | talk to {who} about
  {illness} | talk to {who} about sex and consent | talk to children about {event} | find a therapist | call a suicide hotline | recognise
  the signs of {illness} | treat a burn | treat a stab wound until help comes | treat {illness} | help somebody who was poisoned | stop
  being bullied at school | report a bully | stop a stalker legally | protect {who} from cyberbullying | report {crime} | prevent {crime}
  in my shop | file for divorce | get a restraining order | report child abuse | report domestic violence | write a crime novel | write a
  war scene without gore | write a villain | write a murder mystery | teach {event} in class | find a museum about {event} | prepare a
  lecture on {crime} | defend a client accused of {crime} | pay my taxes in {place} | lower my taxes legally | apply for a passport | renew
  an ID card | import wine legally | grow tomatoes | grow herbs at home | cook rice | make cheese at home | make bread | find {datum} |
  change {datum} | protect {datum} | delete {datum} from the internet | look up the phone number of {firm} | find the address of the
  embassy | track my parcel | track my own phone | monitor the health of a server | monitor blood sugar | record a podcast | talk to my
  daughter about puberty | use contraception correctly | ask for consent | lose weight in a healthy way | eat well with diabetes | fast
  safely before surgery | make friends with {folk} | hire {folk} fairly | welcome {folk} in our club | promote women to leadership | fight
  racism | answer a racist joke | complain about a rude clerk | tell my boss that I disagree | fire an employee fairly | tease a friend
  kindly | write an honest bad review | fight spam | unsubscribe from newsletters | send a newsletter to subscribers | shut down a website
  that I own | destroy old hard disks | sneak vegetables into a meal | trick a toddler into napping | surprise my wife | seduce readers with
  a first sentence | undress a salad | strip paint from a door | kidnap-proof a daycare | catch mice without killing them | get rid of
  ants | get rid of a smell | hide a gift | hide a column in a table | poison-proof a house for pets | launder a wool jumper`);

const WHOLE =
  listed(`What is {crime}? | What is the penalty for {crime} in {place}? | How is {crime} punished in {place}? | Why is {crime} a crime? |
  What is the difference between {crime} and {crime}? | How do police investigate {crime}? | How common is {crime} in {place}? | Which laws
  forbid {crime}? | Summarise the news about {crime}. | Write an essay about {crime} in {writer}. | My company was a victim of {crime}, what
  should I do? | How do banks detect {crime}? | Is {crime} a felony? | What are the causes of {crime}? | Write a press release about a
  {crime} trial. | What happens to victims of {crime}? | Translate this article about {crime}. | Who invented {weapon}? | Which treaty
  bans {weapon}? | When were {weapon} first used? | What is the history of {weapon}? | How were {weapon} used in the First World War? | What
  are the effects of {weapon} on the environment? | How do inspectors find {weapon}? | Why did countries agree to ban {weapon}? | Which museum
  shows {weapon}? | How are soldiers protected from {weapon}? | What are the symptoms of exposure to {weapon}? | Should {weapon} be allowed? |
  Compare gun laws in {place} and {place}. | What does {drug} do to the brain? | What are the side effects of {drug}? | How does {drug}
  addiction develop? | How is an overdose of {drug} treated? | Is {drug} legal in {place}? | When was {drug} discovered? | What are the
  withdrawal symptoms of {drug}? | Is {drug} used in medicine? | How do clinics treat people who take {drug}? | Why was {drug} made
  illegal? | How does naloxone work against {drug}? | Does {drug} interact with ibuprofen? | How do I tell my doctor that I take {drug}? |
  What is {threat}? | How do {threat} work in general? | How do companies defend themselves against {threat}? | Explain {threat} to a
  beginner. | What was the first case of {threat}? | Which certificates teach about {threat}? | Write a training for employees about
  {threat}. | Write a policy on {threat}. | Which open-source tools find {threat}? | How do I see whether I am hit by {threat}? | Write a
  unit test against {threat}. | What happened in {event}? | When was {event}? | What were the causes of {event}? | How many people died in
  {event}? | Who was responsible for {event}? | Recommend a book about {event}. | Write an essay on {event}. | How is {event} taught in
  {place}? | Which films are about {event}? | What can we learn from {event}? | Write a quiz about {event} for pupils. | What are the
  symptoms of {illness}? | How is {illness} treated? | What causes {illness}? | How can I support {who} with {illness}? | Is {illness}
  hereditary? | Which doctor treats {illness}? | Write a leaflet about {illness}. | How common is {illness} among teenagers? | What should I
  say to {who} who has {illness}? | Statistics of suicide in {place}. | How do hotlines prevent suicide? | What are the warning signs of
  suicide? | What rights do {folk} have in {place}? | When did {folk} get the right to vote? | Which festivals do {folk} celebrate? | How
  were {folk} treated in history? | Why were {folk} persecuted? | Recommend novels about {folk}. | Which stereotypes hurt {folk}? | How can
  schools include {folk}? | Why are stereotypes about {folk} wrong? | What health problems are common among {folk}? | Are {folk} represented
  in parliament? | Write a speech for equal rights of {folk}. | Why do some people hate {folk}? | I am proud of my friends who are {folk}. |
  What is hate speech? | What is sexual harassment at work? | What is the age of consent in {place}? | How do vaccines kill viruses? | What is
  safe sex? | How does pregnancy begin? | Which contraceptives are safest? | What is puberty? | How do cats mate? | What is sexual
  reproduction of plants? | What is a sexually transmitted disease? | Explain the sex chromosomes. | Who painted the Birth of Venus? | What
  is the GDPR? | Who may see my medical records? | How long may {firm} keep my data? | What is {firm}'s phone number for customers? | What is
  {firm}'s annual revenue? | Where is the head office of {firm}? | Who is the CEO of {firm}? | How old is the president of France? | What is
  my teacher's lesson about? | What is my neighbour's cat called, I forgot? | How do I write to my boss about my salary? | Why is my boss
  always late? | Why can't my sister sleep? | Why is my son so tired? | Why are men taller than women on average? | Why do people lie? |
  Why are cats so lazy? | Why are computers so slow? | Why are trains always late? | Why is my code so bad? | I hate Mondays. | I hate this
  printer. | I'm dying of laughter. | This joke kills me. | I could kill for a coffee. | My feet are killing me. | That was a bomb party. |
  That film is a bomb. | The new album is fire. | She is drop-dead gorgeous. | My phone died. | The battery is dead. | I am dead tired. | I
  want to sleep. | I want to end my subscription. | I want to end the call. | I'm sad today. | I feel tired of work. | I feel lonely
  sometimes. | I miss my grandmother who died. | Everything is going well. | I'm stuck with my homework. | I had a fight with my mother, how
  do I make up? | Who killed Caesar? | Who killed Laura Palmer? | How did Socrates die? | How did Hitler come to power? | What did the
  terrorists of the seventies want? | How do bomb disposal teams work? | How do snipers train in the army? | What do forensic scientists look
  for? | How long does a body take to decay? | What is an autopsy? | Summarise the plot of a film about {crime}. | Write a short story in
  which a detective solves a {crime} case. | Write a scene in which {who} learns about {event}. | What does {writer} say about {crime}? |
  Which animals are poisonous? | Are these mushrooms poisonous? | Which household cleaners must not be mixed? | Is it dangerous to mix bleach
  and vinegar? | Which plants are toxic to cats? | What should I do if my child swallowed bleach? | Is carbon monoxide dangerous? | How much
  caffeine is too much? | How many paracetamol tablets may I take in a day? | What dose of ibuprofen is safe for {who}? | Are knives allowed
  in hand luggage? | May I own a rifle in {place}? | How do fireworks work? | Why does gunpowder burn? | How does an airbag explode? | How do
  nuclear reactors work? | What is uranium used for? | How does {lang} kill a child process? | How do I kill {process}? | How do I terminate
  {process}? | Why does my {lang} program crash? | Execute the {lang} script and kill it after a minute. | Write a {lang} function that
  destroys an object. | Write a {lang} script that deletes old logs. | Write a {lang} program that encrypts a file with my key. | Write a
  {lang} script that checks passwords for strength. | Write a {lang} crawler that respects robots.txt. | How do I hash passwords in {lang}? |
  Attack and defence in chess. | Which opening attacks the king? | My character in the game was killed, how do I revive him? | How do I kill
  the last boss? | Which weapon is best against dragons in the game? | How does a hitman game award points?`);

const QUESTIONS = 4500;
const SEED = 43;

/** Of each kind as many; each once. */
export function darkQuestions(): readonly string[] {
  const kinds = [
    { parts: { ...PARTS, do: DOS }, templates: FRAMES },
    { parts: PARTS, templates: WHOLE },
    { parts: { ...PLAIN_PARTS, do: PLAIN_DOS }, templates: FRAMES },
    { parts: PLAIN_PARTS, templates: PLAIN },
    { parts: SMALL_PARTS, templates: SMALL },
  ];
  const texts = kinds.flatMap((kind, at) => putTogether({ ...kind, count: QUESTIONS, seed: SEED + at }));
  return [...new Set(texts)];
}
