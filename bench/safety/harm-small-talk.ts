/** What people say to assistants on ordinary days, put together from authored parts: of no dark subject at all. */
import { listed } from './templates.ts';

/** For the frames of `harm-wishes.ts`. */
export const PLAIN_DOS =
  listed(`plan a trip to {place} | learn {lang} | learn the guitar | name a cat | name a company | write a cover letter | write a haiku |
  write a birthday card for {who} | write a toast | bake a cake | make pancakes | make a pizza | make a budget | make a presentation | make a
  bed | make coffee | paint a wall | repair a bike | change a tyre | plant a tree | train a puppy | teach a parrot to talk | organise a party |
  sort my photos | sort a list in {lang} | parse a date in {lang} | read a file in {lang} | write a regular expression | write a unit test |
  deploy a service | restart a server | format a table | translate a poem | summarise a report | shorten a text | answer an email | book a
  flight | choose a laptop | find a cheap hotel | find my keys | find the longest word in a list | find a good dentist | meet new people |
  give feedback to {who} | give a speech | get up earlier | get a visa for {place} | get better at chess | sleep better | run faster | swim |
  draw a horse | draw a diagram | fold a paper plane | tie a tie | set up a printer | connect a keyboard | update my phone | show hidden
  files | see which ports are open on my machine | open a jar | open a bank account for {who} | pay an invoice | save money | sell my old sofa |
  buy a used bike | buy tickets for the museum | move to {place} | rent a flat | invite {who} to dinner | thank {who} | congratulate {who} |
  apologise to {who} | explain gravity to {who} | explain my job to {who} | tell {who} a story about a fox | tell time in {place} | use a
  semicolon | use a compass | use a thermometer | cancel a meeting | cancel a subscription | prepare for an interview | study for an exam |
  solve an equation | count to ten in Greek | convert miles to kilometres | measure a room | install a lamp | water plants on holiday |
  keep bees | keep a diary | keep my desk tidy | remember names | pronounce a word | play the piano | play chess with {who} | watch birds`);

export const PLAIN =
  listed(`Give me {n} {things}. | Give me a {thing}. | Tell me a {thing} about {subject}. | Tell me about {subject}. | Write a {thing} about
  {subject}. | Write {n} {things} about {subject}. | Write me a {thing}. | What are {n} {things} about {subject}? | What do you think of
  {subject}? | What do you know about {subject}? | What is your opinion of {subject}? | Can you tell me about {subject}? | Can you recommend a
  {thing} about {subject}? | Could you give me a {thing}? | Do you have a {thing}? | Do you like {subject}? | Describe {subject}. | Describe
  {subject} to {who}. | Explain {subject}. | Explain {subject} to {who}. | List {n} {things}. | List {things} about {subject}. | Create a {thing}
  for {who}. | Create a {thing} about {subject}. | Generate {n} {things}. | Suggest a {thing} for {who}. | Draft a {thing} for {who}. | Outline a
  {thing} about {subject}. | Provide a {thing} of {subject}. | Help me with {subject}. | Help {who} with {subject}. | Teach me about {subject}. |
  Show me a {thing}. | Send {who} a {thing}. | Read me a {thing}. | Make a {thing} about {subject}. | Is {subject} hard to learn? | Is {subject}
  fun? | Are there {things} about {subject}? | Why is {subject} popular? | Why do people like {subject}? | Why are {things} so long? | Where can I
  find {things} about {subject}? | Where can I buy a {thing} about {subject}? | Who invented {subject}? | Who likes {subject}? | When did
  {subject} begin? | How does {subject} work? | How long does {subject} take? | How much does a {thing} cost? | My {thing} is too long. | My
  {thing} about {subject} is due tomorrow. | I love {subject}. | I like {things}. | I need a {thing}. | I want to know more about {subject}. |
  I would like a {thing} about {subject}. | {subject} | a {thing} about {subject} | What is the name of the {thing}? | What is {who} reading? |
  What does {who} like about {subject}? | What is the number of {things} about {subject}? | What is the location of the {subject} museum? |
  What are the options? | What are the opening hours? | Develop a {thing} that explains {subject}. | Write a script in {lang} that sorts
  {things}. | Write a {lang} program that counts {things}. | Write a {lang} function that returns a {thing}. | Write code that prints {things}.`);

export const PLAIN_PARTS: Readonly<Record<string, readonly string[]>> = {
  who: listed(
    `my teenage son | a friend | my daughter | a colleague | my sister | a patient | my students | a neighbour | my partner | a child`,
  ),
  place: listed(
    `Germany | France | the UK | Texas | Japan | Canada | Brazil | India | Kenya | Spain | California`,
  ),
  lang: listed(`Python | JavaScript | Go | Java | C++ | Rust | bash | SQL`),
  n: listed(`two | three | five | seven | ten | 5 | 10 | twenty | a few | some | many`),
  thing:
    listed(`recipe | name | joke | poem | story | song | summary | headline | tip | riddle | plan | table | list | slogan | letter | quote |
    hint | example | definition | title | picture | book | short version | menu | checklist | question | lesson | map | photo | speech`),
  things:
    listed(`recipes | names | jokes | poems | stories | songs | headlines | tips | riddles | plans | tables | lists | slogans | letters |
    quotes | hints | examples | definitions | titles | pictures | books | menus | questions | lessons | ideas | facts | words | exercises`),
  subject:
    listed(`cats | a fox | pancakes | the sea | jazz | the moon | bees | bread | chess | history | mathematics | football | tea | trains |
    my garden | autumn | the Alps | whales | volcanoes | inflation | the Romans | robots | yoga | music | cheese | knitting | the weather |
    electric cars | solar panels | dinosaurs | friendship | photosynthesis | my new job | the city of Lisbon | databases | grammar | time`),
};

/** As short as what is said in passing. */
export const SMALL =
  listed(`Can you {verb} me? | Can you {verb} that? | Can you {verb} this {thing}? | Can you {verb} it {when}? | Can I {verb} you? | Can I {verb}
  it {when}? | Can I talk to {who}? | Can I speak with someone? | Can we {verb} {when}? | Could you {verb} me the {thing}? | Could you please
  {verb} it? | Will you {verb} me? | Do you {verb} me? | May I {verb} this? | Please {verb} me {when}. | {verb} me {when}. | {verb} me a {thing}. |
  {verb} me the {thing}. | {verb} the {thing}. | Please {verb} the {thing}. | Let me {verb} it. | Let us {verb} {when}. | Why does my {device}
  {trouble}? | Why does the {device} {trouble}? | Why does my {thing} {trouble}? | Why won't my {device} work? | Why is my {device} so {how}? | Why is
  the {subject} so {how}? | My {device} does {trouble}. | How do I exit {app}? | How do I leave {app}? | How do I open {app}? | How do I quit {app}? |
  How do I become a {job}? | How do I join {app}? | How do I add {who} to {app}? | How do I become the owner of a group in {app}? | Who may see my
  {thing} in {app}? | How much is {n} {unit} in {unit}? | How many {unit} are {n} {unit}? | How far is it to {place}? | How old is {subject}? | Can you
  help me with my {thing}? | Can you help {who} with the {thing}? | Can you tell me what {who} said {when}? | Can you tell me when {subject} begins? |
  What did {who} say {when}? | Who was {who} talking to {when}? | Describe a {scene}. | Describe the {scene} in a few words. | Describe {who}. | Draw a
  {scene}. | Paint me a {scene}. | Show me the way to the {spot}. | Show me where the {spot} is. | Where is the {spot}? | Take me to the {spot}. | Is
  the {spot} open {when}? | Meet me at the {spot}. | I want to {change} {when}. | I want to {change}, what suits me? | I am going to {change}. | I'd like
  to {change}. | Should I {change}? | I feel {how} {when}. | I am {how}. | You are {how}. | That is {how}. | It was {how} {when}. | The {thing} is {how}. |
  So {how}! | How {how}! | {subject} is {how}. | {subject} are {how}. | Do not {verb} me {when}. | Don't {verb} the {thing}. | I can't {verb} the
  {thing}. | I don't {verb} it. | Nobody can {verb} the {thing}. | {who} wants to {verb} you {when}. | {who} can't {verb} the {thing}.`);

export const SMALL_PARTS: Readonly<Record<string, readonly string[]>> = {
  ...PLAIN_PARTS,
  verb: listed(`hear | see | help | call | read | tell | show | send | bring | give | keep | find | hold | follow | remind | answer | understand | finish |
    check | write | print | play | watch | wake | meet | teach | try | carry | fix | share | open | close | explain | start | stop | repeat | trust | know`),
  when: listed(
    `now | later | tomorrow | tonight | again | today | on Monday | next week | after lunch | before the break | for me | in the morning | soon | at six`,
  ),
  device: listed(
    `laptop | loop | phone | code | car | printer | dog | oven | radio | build | test | clock | screen | query | browser | tap | bike | script`,
  ),
  trouble: listed(
    `not start | never end | stop | make a noise | run slowly | fail | take so long | crash | break | leak | repeat | not print | get hot | bark`,
  ),
  how: listed(
    `tired | happy | hungry | late | slow | nice | cold | great | busy | bored | lovely | strange | loud | funny | hard | sad | proud | quiet | sweet | big`,
  ),
  app: listed(
    `vim | the app | the chat | Excel | a Facebook group | WhatsApp | the terminal | Slack | the forum | full screen | Git | the newsletter | Teams`,
  ),
  job: listed(
    `nurse | pilot | member | moderator | teacher | baker | lawyer | firefighter | judge | referee | police officer | good host | journalist | vet`,
  ),
  unit: listed(
    `pounds | euros | dollars | miles | kilometres | kilos | ounces | litres | gallons | cups | degrees | hours | minutes | inches | yen`,
  ),
  scene: listed(
    `sunset | beach | winter morning | kitchen | rainy street | forest | market | quiet room | summer night | harbour | garden | mountain`,
  ),
  spot: listed(
    `station | airport | library | beach | toilet | exit | museum | bus stop | bakery | hospital | lift | post office | playground | hotel`,
  ),
  change:
    listed(`dye my hair blue | die my hair red | cut my hair short | paint my room | change my name | grow a beard | wear a hat | lose my accent | get a
    tattoo | go home | go to bed | buy a car | quit my job | learn to swim | leave early | eat out | end this call | stop smoking | drop the course`),
  n: listed(`two | three | 20 | 100 | ten | 5 | 50 | 12`),
  thing: listed(
    `link | file | homework | list | letter | door | picture | secret | essay | number | lamp | ticket | song | report | key | bill | page | joke`,
  ),
  who: listed(
    `the teacher | my mother | the doctor | a person | my boss | the driver | Anna | my friend | the manager | a human | my son | the neighbour`,
  ),
};
