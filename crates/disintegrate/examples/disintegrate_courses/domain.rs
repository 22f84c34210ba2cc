//! Courses that have so many seats, and students who take so many courses: a rule over both.

use disintegrate::{Decision, Event, StateMutate, StateQuery};
use serde::{Deserialize, Serialize};

/// A student takes at most this many courses.
pub(crate) const COURSES_MAX: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[stream(CourseEvent, [CourseOpened, SeatsChanged, StudentEnrolled])]
#[stream(EnrolmentEvent, [StudentEnrolled])]
pub(crate) enum SchoolEvent {
    CourseOpened {
        #[id]
        course_id: String,
        seats: u32,
    },
    SeatsChanged {
        #[id]
        course_id: String,
        seats: u32,
    },
    StudentEnrolled {
        #[id]
        course_id: String,
        #[id]
        student_id: i64,
    },
}

#[derive(Debug, Clone, Default, PartialEq, StateQuery, Serialize, Deserialize)]
#[state_query(CourseEvent, rename = "course-v1")]
pub(crate) struct Course {
    #[id]
    pub(crate) course_id: String,
    pub(crate) seats: Option<u32>,
    pub(crate) taken: u32,
}

impl Course {
    pub(crate) fn new(course_id: &str) -> Self {
        Self {
            course_id: course_id.to_owned(),
            ..Self::default()
        }
    }
}

impl StateMutate for Course {
    fn mutate(&mut self, event: CourseEvent) {
        match event {
            CourseEvent::CourseOpened { seats, .. } | CourseEvent::SeatsChanged { seats, .. } => {
                self.seats = Some(seats);
            }
            CourseEvent::StudentEnrolled { .. } => self.taken += 1,
        }
    }
}

#[derive(Debug, Clone, Default, StateQuery, Serialize, Deserialize)]
#[state_query(EnrolmentEvent)]
pub(crate) struct Student {
    #[id]
    pub(crate) student_id: i64,
    pub(crate) courses: Vec<String>,
}

impl Student {
    pub(crate) fn new(student_id: i64) -> Self {
        Self {
            student_id,
            courses: Vec::new(),
        }
    }
}

impl StateMutate for Student {
    fn mutate(&mut self, event: EnrolmentEvent) {
        let EnrolmentEvent::StudentEnrolled { course_id, .. } = event;
        self.courses.push(course_id);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no such course")]
    NoSuchCourse,
    #[error("the course is open already")]
    IsOpen,
    #[error("the course is full")]
    IsFull,
    #[error("the student has a seat already")]
    IsEnrolled,
    #[error("the student takes {COURSES_MAX} courses already")]
    TooManyCourses,
}

#[derive(Debug, Clone)]
pub(crate) struct OpenCourse {
    pub(crate) course_id: String,
    pub(crate) seats: u32,
}

impl Decision for OpenCourse {
    type Event = SchoolEvent;
    type StateQuery = Course;
    type Error = Refused;

    fn state_query(&self) -> Course {
        Course::new(&self.course_id)
    }

    fn process(&self, course: &Course) -> Result<Vec<SchoolEvent>, Refused> {
        match course.seats {
            Some(_) => Err(Refused::IsOpen),
            None => Ok(vec![SchoolEvent::CourseOpened {
                course_id: self.course_id.clone(),
                seats: self.seats,
            }]),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Enrol {
    pub(crate) course_id: String,
    pub(crate) student_id: i64,
}

impl Decision for Enrol {
    type Event = SchoolEvent;
    type StateQuery = (Course, Student);
    type Error = Refused;

    fn state_query(&self) -> (Course, Student) {
        (Course::new(&self.course_id), Student::new(self.student_id))
    }

    fn process(&self, (course, student): &(Course, Student)) -> Result<Vec<SchoolEvent>, Refused> {
        let seats = course.seats.ok_or(Refused::NoSuchCourse)?;
        if student.courses.contains(&self.course_id) {
            return Err(Refused::IsEnrolled);
        }
        if student.courses.len() >= COURSES_MAX as usize {
            return Err(Refused::TooManyCourses);
        }
        if course.taken >= seats {
            return Err(Refused::IsFull);
        }
        Ok(vec![SchoolEvent::StudentEnrolled {
            course_id: self.course_id.clone(),
            student_id: self.student_id,
        }])
    }
}
